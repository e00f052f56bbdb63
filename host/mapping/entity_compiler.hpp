#pragma once
// Compiles one entity of a rules file.
#include "host/mapping/value_compiler.hpp"

namespace berth::mapping {

/// `entities`: the whole map, for `like`. What the entity referred to stays in `scope`.
void compile_entity(Report& report, FileScope& file, const Node& entities, const config::Member& member, Entity& out, EntityScope& scope);

}  // namespace berth::mapping
