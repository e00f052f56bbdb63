// plugin-sdk/models holds the JSON Schemas of the canonical documents, made from documents::models().
// BERTH_UPDATE_GENERATED=1 writes them again.
#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "host/documents/documents.hpp"

TEST_CASE("A9: the JSON Schema of every canonical model in plugin-sdk/models is current") {
  using namespace berth;
  REQUIRE_FALSE(documents::models().empty());
  for (const documents::Model& model : documents::models()) {
    const std::string path = std::string(BERTH_SOURCE_DIR) + "/plugin-sdk/models/" + model.name + "." + std::to_string(model.revision) + ".schema.json";
    const std::string expected = json::dump_pretty(documents::schema_of(model)) + "\n";
    if (std::getenv("BERTH_UPDATE_GENERATED") != nullptr) std::ofstream(path) << expected;
    std::ifstream in(path);
    std::ostringstream stored;
    stored << in.rdbuf();
    INFO(path);
    CHECK(stored.str() == expected);
  }
}
