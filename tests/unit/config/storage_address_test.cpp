#include <doctest/doctest.h>

#include "host/config/storage_address.hpp"

using berth::config::password_in;

TEST_CASE("a password in an address is found wherever libpq, or a person, would put it") {
  const struct {
    const char* address;
    const char* password;
  } cases[] = {
      {"postgresql://u:word@h/b", "word"},
      {"postgresql://u:w/ord@h:5432/b", "w/ord"},
      {"postgresql://u:w?ord@h/b", "w?ord"},
      {"postgresql://u:12?34@h/b", "u:12?34@h/b"},
      {"postgresql://u:12/34@h/b", "12/34"},
      {"postgresql://u:w@rd@h/b", "w@rd"},
      {"postgresql://u:word@[::1]:5432/b", "word"},
      {"postgresql://u:word/b", "word"},
      {"postgresql://u@h/b?password=word", "word"},
      {"postgresql://u@h/b?sslmode=require&PASSword=word", "word"},
      {"postgresql://u@h/b?p%61ssword=word&sslmode=require", "word"},
      {"postgresql://u@h/b?sslpassword=word", "word"},
  };
  for (const auto& one : cases) {
    CAPTURE(one.address);
    const auto found = password_in(one.address);
    REQUIRE(found.has_value());
    CHECK(*found == one.password);
  }
}

TEST_CASE("an address without a password has none") {
  for (const char* address : {"sqlite", "", "postgresql://", "postgresql://h", "postgresql://h:5432/b", "postgresql://u@h:5432/b?sslmode=verify-full&sslrootcert=/a:b@c",
                              "postgresql://u@[::1]:5432/b", "postgresql://[fe80::1]/b", "postgresql://u@a:1,b:2,[::1]:3/b", "postgresql:///t1?host=/run/postgresql",
                              "postgresql://u@/b?host=/run/postgresql&user=a@b", "postgresql://u:@h/b", "postgresql://u@h/b?password=", "postgresql://h:5432/b?user=a@b"}) {
    CAPTURE(address);
    CHECK_FALSE(password_in(address).has_value());
  }
}
