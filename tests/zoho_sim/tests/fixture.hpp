// A small simulator with a frozen clock, and calls to it as JSON.
#pragma once

#include "tests/zoho_sim/simulator.hpp"

#include <doctest/doctest.h>
#include <boost/json.hpp>

#include <cmath>
#include <set>

namespace sim_test {

namespace json = boost::json;
using namespace zoho_sim;

inline constexpr Time kNow = 1'781'013'600;  // 2026-06-09T10:00:00-0400

inline Options small_options(std::uint64_t seed = 1) {
  Options options;
  options.books.seed = seed;
  options.books.now = kNow;
  options.books.contacts = 30;
  options.books.items = 15;
  options.books.invoices = 120;
  options.books.payments = 80;
  options.books.credit_notes = 15;
  options.limits = {0, 0, 0};
  return options;
}

struct Answer {
  int status = 0;
  json::object body;
  Response raw;
  std::int64_t code() const { return body.at("code").to_number<std::int64_t>(); }
  const json::object& page() const { return body.at("page_context").as_object(); }
};

struct World {
  explicit World(Options options = small_options())
      : simulator(std::move(options), clock), token(simulator.access_token()) {}

  Answer call(std::string_view method, const std::string& target, std::string body = {}) {
    auto request = make_request(method, target);
    if (request.path.rfind("/books/", 0) == 0) {
      request.headers.emplace_back("Authorization", "Zoho-oauthtoken " + token);
      if (!has(request.query, "organization_id")) request.query.emplace_back("organization_id", "927000001");
    }
    request.body = std::move(body);
    Answer answer;
    answer.raw = simulator.handle(request);
    answer.status = answer.raw.status;
    boost::system::error_code error;
    auto value = json::parse(answer.raw.body, error);
    if (!error && value.is_object()) answer.body = std::move(value.as_object());
    return answer;
  }
  Answer get(const std::string& path) { return call("GET", "/books/v3" + path); }
  Answer control(const std::string& path, std::string body = "{}") {
    return call("POST", "/_control" + path, std::move(body));
  }

  // An array of an answer, by value: what a loop runs over must outlive the answer.
  json::array rows(const std::string& path, const std::string& root) { return get(path).body.at(root).as_array(); }

  // All rows of a list, page by page.
  std::vector<json::object> all(const std::string& path, const std::string& root, int per_page = 200) {
    std::vector<json::object> rows;
    for (int page = 1;; ++page) {
      const auto mark = path.find('?') == std::string::npos ? "?" : "&";
      const auto answer = get(path + mark + "page=" + std::to_string(page) + "&per_page=" + std::to_string(per_page));
      REQUIRE(answer.status == 200);
      for (const auto& row : answer.body.at(root).as_array()) rows.push_back(row.as_object());
      if (!answer.page().at("has_more_page").as_bool()) return rows;
    }
  }

  std::shared_ptr<VirtualClock> clock = std::make_shared<VirtualClock>(kNow);
  Simulator simulator;
  std::string token;
};

inline std::string text(const json::object& object, const char* name) {
  return std::string(object.at(name).as_string().c_str());
}

inline std::int64_t cents_of(const json::value& value) {
  if (value.is_string()) return 0;
  return std::llround(value.to_number<double>() *
                      100);  // a test's tolerance: these are printed with two decimals at most
}
inline std::int64_t cents(const json::object& object, const char* name) {
  CAPTURE(name);
  REQUIRE(object.contains(name));
  return cents_of(object.at(name));
}

inline std::set<std::string> keys(const json::object& object) {
  std::set<std::string> names;
  for (const auto& pair : object) names.insert(std::string(pair.key()));
  return names;
}

// A customer invoice of `amount` cents without tax, due in 30 days.
inline std::string add_invoice(World& world, const std::string& rate, const std::string& extra = "") {
  const auto answer = world.control("/invoices", R"({"line_items":[{"name":"Work","rate":")" + rate + "\"}]" +
                                                     (extra.empty() ? "" : "," + extra) + "}");
  REQUIRE(answer.status == 200);
  return text(answer.body, "id");
}

}  // namespace sim_test
