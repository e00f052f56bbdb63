#pragma once
// A remote made of a function, and tokens made of a counter. Both count, and may be called from any thread.
#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "host/http/token_source.hpp"
#include "host/http/transport.hpp"

namespace berth::test {

inline http::Response json_response(int status, std::string body, http::Headers more = {}) {
  http::Response response;
  response.status = status;
  response.headers = std::move(more);
  response.headers.emplace_back("content-type", "application/json;charset=UTF-8");
  response.body = std::move(body);
  return response;
}

class FakeTransport final : public http::Transport {
 public:
  using Answer = std::function<Result<http::Response>(const http::Request& request, std::stop_token stop)>;
  explicit FakeTransport(Answer answer) : answer_(std::move(answer)) {}
  Result<http::Response> send(const http::Request& request, std::stop_token stop) override {
    {
      const std::scoped_lock lock(mutex_);
      sent_.push_back(request);
    }
    return answer_(request, std::move(stop));
  }
  [[nodiscard]] std::vector<http::Request> sent() const {
    const std::scoped_lock lock(mutex_);
    return sent_;
  }
  [[nodiscard]] std::size_t count() const { return sent().size(); }

 private:
  Answer answer_;
  mutable std::mutex mutex_;
  std::vector<http::Request> sent_;
};

class FakeTokens final : public http::TokenSource {
 public:
  Result<http::AccessToken> token(std::stop_token) override {
    if (error) return *error;
    return http::AccessToken{Secret("Zoho-oauthtoken made-up-" + std::to_string(generation)), generation};
  }
  Result<http::AccessToken> refresh(std::uint64_t rejected, std::stop_token stop) override {
    const std::scoped_lock lock(mutex);
    if (refresh_error) return *refresh_error;
    if (rejected == generation) {
      ++refreshes;
      ++generation;
    }
    return token(std::move(stop));
  }
  Result<std::string> api_base() override { return std::string("https://www.zohoapis.com/books/v3"); }

  std::mutex mutex;
  std::atomic<std::uint64_t> generation{1};
  std::atomic<int> refreshes{0};
  std::optional<Error> error;  // set before use
  std::optional<Error> refresh_error;
};

}  // namespace berth::test
