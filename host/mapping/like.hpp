#pragma once
// `like: invoice` with `without`: an entity takes over `let` and `fields` of another one. Works on the YAML, before
// anything is compiled, so that what is taken over is checked against the entity's own model.
#include "host/mapping/report.hpp"

namespace berth::mapping {

/// `let` and `fields` of an entity after `like` and `without`. Places stay those of the file.
struct Merged {
  Node let;
  Node fields;
};

/// Own members replace those taken over. A list that is given without `each` is laid over the one taken over: its own
/// fields replace single fields of the rows. `without` takes names and, for rows, list.name.
[[nodiscard]] Merged merge_like(Report& report, const Node& entities, const Node& entity);

}  // namespace berth::mapping
