// Links between pages and to files of the repository lead somewhere.
#include <doctest/doctest.h>

#include <regex>

#include "docs/documents.hpp"

TEST_CASE("every relative link and picture of the documents leads to a file") {
  const std::regex link(R"(\]\(([^)\s]+)\))");
  for (const docs::fs::path& page : docs::pages()) {
    const std::string text = docs::read(page);
    for (auto found = std::sregex_iterator(text.begin(), text.end(), link); found != std::sregex_iterator(); ++found) {
      const std::string target = (*found)[1];
      if (target.find("://") != std::string::npos || target.starts_with('#')) continue;
      const docs::fs::path file = page.parent_path() / target.substr(0, target.find('#'));
      CHECK_MESSAGE(docs::fs::exists(file), docs::shown(page), ": ", target, " leads nowhere");
    }
  }
}

TEST_CASE("every page of docs/ can be reached from README.md") {
  std::vector<docs::fs::path> reached{docs::root() / "README.md"};
  const std::regex link(R"(\]\(([^)\s#]+\.md))");
  for (std::size_t i = 0; i < reached.size(); ++i) {
    const std::string text = docs::read(reached[i]);
    for (auto found = std::sregex_iterator(text.begin(), text.end(), link); found != std::sregex_iterator(); ++found) {
      const auto file = (reached[i].parent_path() / (*found)[1].str()).lexically_normal();
      if (docs::fs::exists(file) && std::find(reached.begin(), reached.end(), file) == reached.end()) reached.push_back(file);
    }
  }
  for (const docs::fs::path& page : docs::pages()) {
    CHECK_MESSAGE(std::find(reached.begin(), reached.end(), page) != reached.end(), docs::shown(page), " is linked from nowhere");
  }
}
