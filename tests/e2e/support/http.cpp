#include "e2e/support/http.hpp"

#include <Poco/Net/HTTPClientSession.h>
#include <Poco/Net/HTTPRequest.h>
#include <Poco/Net/HTTPResponse.h>
#include <Poco/StreamCopier.h>
#include <Poco/URI.h>

#include <sstream>
#include <stdexcept>

namespace e2e {

berth::json::Value Answer::json() const {
  auto parsed = berth::json::parse(body);
  if (!parsed.ok()) throw std::runtime_error("no JSON (" + parsed.error.message + "): " + body.substr(0, 300));
  return parsed.value;
}

Answer http(const std::string& method, const std::string& url, const std::string& body, const Headers& headers) {
  Answer answer;
  try {
    const Poco::URI uri(url);
    Poco::Net::HTTPClientSession session(uri.getHost(), uri.getPort());
    session.setTimeout(Poco::Timespan(30, 0));
    Poco::Net::HTTPRequest request(method, uri.getPathAndQuery().empty() ? "/" : uri.getPathAndQuery(), "HTTP/1.1");
    request.setKeepAlive(false);
    for (const auto& [name, value] : headers) request.set(name, value);
    if (!body.empty()) {
      if (!request.has("Content-Type")) request.setContentType("application/json");
      request.setContentLength(static_cast<std::streamsize>(body.size()));
    } else if (method == "POST" || method == "PUT") {
      request.setContentLength(0);
    }
    session.sendRequest(request) << body;
    Poco::Net::HTTPResponse response;
    std::istream& in = session.receiveResponse(response);
    Poco::StreamCopier::copyToString(in, answer.body);
    answer.status = static_cast<int>(response.getStatus());
    answer.location = response.get("Location", "");
    answer.content_type = response.getContentType();
  } catch (const Poco::Exception&) {
    answer.status = 0;
  }
  return answer;
}

std::string query_value(const std::string& url, const std::string& name) {
  for (const auto& [key, value] : Poco::URI(url).getQueryParameters()) {
    if (key == name) return value;
  }
  return {};
}

std::string with_query_value(const std::string& url, const std::string& name, const std::string& value) {
  Poco::URI uri(url);
  auto parameters = uri.getQueryParameters();
  for (auto& [key, old] : parameters) {
    if (key == name) old = value;
  }
  uri.setQueryParameters(parameters);
  return uri.toString();
}

std::string percent_encoded(const std::string& text) {
  std::string encoded;
  Poco::URI::encode(text, ":/?#[]@!$&'()*+,;=%", encoded);
  return encoded;
}

std::string accept_consent(const std::string& authorize_url) {
  const Answer consent = get(authorize_url);
  const std::string mark = "name=\"ticket\" value=\"";
  const auto at = consent.body.find(mark);
  if (consent.status != 200 || at == std::string::npos) {
    throw std::runtime_error("no consent page at " + authorize_url + ": " + std::to_string(consent.status) + " " + consent.body);
  }
  const auto begin = at + mark.size();
  const std::string ticket = consent.body.substr(begin, consent.body.find('"', begin) - begin);
  const Poco::URI uri(authorize_url);
  const std::string origin = uri.getScheme() + "://" + uri.getAuthority();
  const Answer decided = http("POST", origin + "/oauth/v2/auth/decision", "ticket=" + percent_encoded(ticket) + "&decision=accept",
                              {{"Content-Type", "application/x-www-form-urlencoded"}});
  if (decided.status != 302) throw std::runtime_error("the consent page answered " + std::to_string(decided.status));
  return decided.location;
}

}  // namespace e2e
