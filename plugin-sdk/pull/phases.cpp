#include "berth/phases.hpp"

#include <algorithm>
#include <charconv>
#include <set>

#include "reader.hpp"

namespace berth::phases {
namespace {

constexpr std::size_t kMaxPhases = 200;

/// Where a text with placeholders stands decides which of them make sense.
enum class Place { kDefaults, kList, kRecord };

void check_placeholders(Reader& reader, std::string_view key, std::string_view text, Place place) {
  for (std::size_t open = text.find('{'); open != std::string_view::npos; open = text.find('{', open + 1)) {
    const std::size_t shut = text.find('}', open);
    const std::string name(shut == std::string_view::npos ? text.substr(open) : text.substr(open + 1, shut - open - 1));
    if (std::find(std::begin(kPlaceholders), std::end(kPlaceholders), name) == std::end(kPlaceholders)) {
      reader.problem(key, "The placeholder {" + name + "} is not known.");
    } else if (name == "since" && place != Place::kList) {
      reader.problem(key, "The placeholder {since} belongs to the query of a list.");
    } else if (name == "id" && place != Place::kRecord) {
      reader.problem(key, "The placeholder {id} belongs to the path of one record.");
    }
  }
}

std::vector<Param> read_query(Reader& reader, std::string_view key, Place place) {
  std::vector<Param> params = reader.params(key);
  for (const Param& param : params) check_placeholders(reader, key, param.value, place);
  return params;
}

std::string read_path(Reader& reader, Place place) {
  std::string path = reader.text("path", true);
  if (path.empty()) return path;
  if (path.front() != '/' || path.find("//") != std::string::npos || path.find_first_of("?#\\") != std::string::npos) {
    reader.problem("path", "A path below the API base such as /invoices belongs here, found \"" + path + "\".");
  }
  check_placeholders(reader, "path", path, place);
  if (place == Place::kRecord && path.find("{id}") == std::string::npos) {
    reader.problem("path", "The path of one record needs the placeholder {id}.");
  }
  return path;
}

std::optional<Condition> read_condition(Reader& reader, std::string_view key) {
  auto object = reader.object(key);
  if (!object) return std::nullopt;
  Condition condition;
  if (object->has("offered")) {
    condition.kind = Condition::Kind::kOffered;
    condition.field = object->text("offered", true);
    object->finish();
    return condition;
  }
  condition.field = object->text("field", true);
  const int tests = int{object->has("in")} + int{object->has("present")} + int{object->has("differs_from")};
  if (tests != 1 && object->value().is_object())
    object->problem("", "A condition on a field needs exactly one of in, present and differs_from.");
  if (object->has("present")) {
    condition.kind = Condition::Kind::kPresent;
    condition.present = object->boolean("present", true);
  } else if (object->has("differs_from")) {
    condition.kind = Condition::Kind::kDiffersFrom;
    condition.other = object->text("differs_from", true);
  } else if (object->has("in")) {
    condition.values = object->texts("in", true);
  }
  object->finish();
  return condition;
}

RequestDefaults read_request(Reader& reader, RequestDefaults defaults) {
  auto object = reader.object("request");
  if (!object) return defaults;
  if (object->has("method")) defaults.method = object->one_of("method", {"GET"});
  if (object->has("query")) defaults.query = read_query(*object, "query", Place::kDefaults);
  object->finish();
  return defaults;
}

Page read_page(Reader& reader, Page defaults) {
  auto object = reader.object("page");
  if (!object) return defaults;
  object->one_of("by", {"number"});
  if (object->has("param")) defaults.param = object->text("param", true);
  if (object->has("size_param")) defaults.size_param = object->text("size_param", true);
  defaults.size = object->integer("size", defaults.size, 1, 1000);
  if (object->has("more")) defaults.more = object->text("more", true);
  if (object->has("echo")) defaults.echo = object->text("echo", true);
  if (object->has("total")) defaults.total = object->text("total", true);
  object->finish();
  return defaults;
}

std::optional<Until> read_until(Reader& reader, std::optional<Until> defaults) {
  const json::Value* found = reader.get("until");
  if (found == nullptr) return defaults;
  if (found->text() == "none") return std::nullopt;
  Reader object(*found, reader.path_of("until"), reader.problems());
  Until until;
  until.field = object.text("field", true);
  until.older_than = object.text("older_than", true);
  check_placeholders(object, "older_than", until.older_than, Place::kDefaults);
  object.finish();
  return until;
}

Sweep read_sweep(Reader& reader, Sweep defaults) {
  auto object = reader.object("sweep");
  if (!object) return defaults;
  if (object->has("schedule")) defaults.schedule = object->text("schedule", true);
  if (auto brake = object->object("brake")) {
    defaults.brake_rows = brake->integer("rows", defaults.brake_rows, 0, 1'000'000);
    defaults.brake_percent = brake->integer("percent", defaults.brake_percent, 0, 100);
    brake->finish();
  }
  object->finish();
  return defaults;
}

void read_list(Reader& reader, Phase& phase) {
  auto object = reader.object("list");
  if (!object) {
    reader.problem("", "The key \"list\" is missing.");
    return;
  }
  phase.list.path = read_path(*object, Place::kList);
  if (phase.list.path.find('{') != std::string::npos)
    object->problem("path", "The path of a list has no placeholders.");
  phase.list.rows = object->texts("rows", true);
  phase.list.id = object->text("id", true);
  phase.list.version = object->text("version", false);
  phase.list.query = read_query(*object, "query", Place::kList);
  phase.list.probe = read_query(*object, "probe", Place::kList);
  for (const Param& probe : phase.list.probe) {
    const auto same = [&](const Param& param) { return param.name == probe.name; };
    if (std::any_of(phase.list.query.begin(), phase.list.query.end(), same)) {
      object->problem("probe", "The parameter \"" + probe.name + "\" stands under query as well.");
    }
  }
  object->finish();
}

void read_detail(Reader& reader, Phase& phase) {
  const json::Value* found = reader.get("detail");
  if (found == nullptr) {
    reader.problem("", "The key \"detail\" is missing; write \"never\" where the list row is all there is.");
    return;
  }
  if (found->text() == "never") return;
  Reader object(*found, reader.path_of("detail"), reader.problems());
  Detail detail;
  detail.path = read_path(object, Place::kRecord);
  detail.row = object.texts("row", true);
  detail.version = object.text("version", false);
  detail.cost = object.text("cost", true);
  detail.query = read_query(object, "query", Place::kDefaults);
  detail.once_per_record = object.boolean("once_per_record", false);
  detail.when = read_condition(object, "when");
  detail.unless = read_condition(object, "unless");
  object.finish();
  phase.detail = std::move(detail);
}

Reduced read_reduced(Reader& object) {
  Reduced reduced;
  reduced.needs = object.texts("needs", false);
  reduced.unless = read_condition(object, "unless");
  if (reduced.unless && reduced.unless->kind == Condition::Kind::kOffered)
    object.problem("unless", "What other documents offer does not say whether a list row is enough.");
  reduced.missing = object.texts("missing", true);
  object.finish();
  return reduced;
}

void read_reduced(Reader& reader, Phase& phase) {
  auto object = reader.object("reduced");
  if (!object) return;
  phase.reduced = read_reduced(*object);
  if (!phase.detail) reader.problem("reduced", "Only a phase with details can do without them.");
}

/// Calls `read` for every element of a list of mappings.
template <typename Read>
void each_object(Reader& reader, std::string_view key, Read&& read) {
  const json::Value* found = reader.get(key);
  if (found == nullptr) return;
  if (!found->is_array()) reader.problem(key, "A list belongs here, found " + described(*found) + ".");
  for (std::size_t i = 0; i < found->items().size(); ++i) {
    Reader object(found->items()[i], reader.path_of(key) + "/" + std::to_string(i), reader.problems());
    read(object);
    object.finish();
  }
}

void read_parts(Reader& reader, Phase& phase) {
  each_object(reader, "parts", [&](Reader& object) {
    Part part;
    part.name = object.text("name", true);
    part.path = read_path(object, Place::kRecord);
    part.rows = object.texts("rows", true);
    part.cost = object.text("cost", true);
    part.query = read_query(object, "query", Place::kDefaults);
    part.when = read_condition(object, "when");
    part.unless = read_condition(object, "unless");
    phase.parts.push_back(std::move(part));
  });
  if (!phase.parts.empty() && !phase.detail)
    reader.problem("parts", "Parts belong to a detail, and this phase has none.");
}

void read_attachments(Reader& reader, Phase& phase) {
  each_object(reader, "attachments", [&](Reader& object) {
    Attachment file;
    file.name = object.text("name", true);
    file.path = read_path(object, Place::kRecord);
    file.query = read_query(object, "query", Place::kDefaults);
    file.accept = object.text("accept", true);
    file.cost = object.text("cost", true);
    file.must_start = object.text("must_start", false);
    file.must_contain_end = object.text("must_contain_end", false);
    file.when = read_condition(object, "when");
    file.unless = read_condition(object, "unless");
    phase.attachments.push_back(std::move(file));
  });
}

void read_budget(Reader& reader, Phase& phase) {
  auto object = reader.object("budget");
  if (!object) return;
  std::set<std::string> costs;
  if (phase.detail) costs.insert(phase.detail->cost);
  for (const Part& part : phase.parts) costs.insert(part.cost);
  for (const Attachment& file : phase.attachments) costs.insert(file.cost);
  for (const auto& [cost, value] : object->value().members()) {
    object->get(cost);
    Budget budget{cost, -1, -1};
    const std::string_view text = value.text();
    if (const auto calls = value.integer(); calls && *calls >= 0) {
      budget.calls = *calls;
    } else if (value.is_string() && text.ends_with('%')) {
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size() - 1, budget.percent);
      if (error != std::errc() || end != text.data() + text.size() - 1) budget.percent = -1;
    }
    if (budget.calls < 0 && (budget.percent < 0 || budget.percent > 100)) {
      object->problem(cost, "A number of calls or a share such as 40% belongs here, found " + described(value) + ".");
    }
    if (!costs.contains(cost)) object->problem(cost, "No request of this phase has the cost class \"" + cost + "\".");
    phase.budget.push_back(std::move(budget));
  }
}

Phase read_phase(Reader& reader, const Phase& defaults) {
  Phase phase = defaults;
  phase.id = reader.text("id", true);
  phase.entity = reader.text("entity", true);
  phase.optional = reader.boolean("optional", false);
  phase.request = read_request(reader, defaults.request);
  phase.page = read_page(reader, defaults.page);
  phase.until = read_until(reader, defaults.until);
  phase.overlap_ms = reader.duration_ms("overlap", defaults.overlap_ms);
  phase.sweep = read_sweep(reader, defaults.sweep);
  read_list(reader, phase);
  if (auto window = reader.object("window")) {
    phase.window = Window{window->text("from", true), window->text("to", true)};
    window->finish();
  }
  if (auto priority = reader.object("priority")) {
    phase.priority = Priority{priority->text("date", true), read_condition(*priority, "first")};
    priority->finish();
  }
  read_detail(reader, phase);
  read_reduced(reader, phase);
  read_parts(reader, phase);
  read_attachments(reader, phase);
  phase.volatile_keys = reader.texts("volatile", false);
  read_budget(reader, phase);
  return phase;
}

}  // namespace

std::optional<Reduced> reduced_of(const json::Value& phase) {
  const json::Value* found = phase.find("reduced");
  if (found == nullptr) return std::nullopt;
  std::vector<Problem> none;   // it was checked
  Reader object(*found, "", none);
  return read_reduced(object);
}

const Phase* File::find(std::string_view id) const {
  const auto found = std::find_if(phases.begin(), phases.end(), [&](const Phase& phase) { return phase.id == id; });
  return found == phases.end() ? nullptr : &*found;
}

Parsed parse(const json::Value& value) {
  Parsed parsed;
  Reader file(value, "", parsed.problems);
  if (!value.is_object()) return parsed;
  parsed.file.revision = file.integer("revision", 0, 1, 1);
  if (!file.has("revision")) file.problem("", "The key \"revision\" is missing.");
  parsed.file.plugin = file.text("plugin", true);
  check_errors(file);
  check_limits(file);
  if (const json::Value* errors = value.find("errors")) parsed.file.errors = *errors;
  if (const json::Value* limits = value.find("limits")) parsed.file.limits = *limits;
  Phase defaults;
  if (auto object = file.object("defaults")) {
    defaults.request = read_request(*object, {});
    defaults.page = read_page(*object, {});
    defaults.until = read_until(*object, std::nullopt);
    defaults.overlap_ms = object->duration_ms("overlap", 0);
    defaults.sweep = read_sweep(*object, {});
    object->finish();
  }
  std::set<std::string> ids;
  each_object(file, "phases", [&](Reader& reader) {
    if (parsed.file.phases.size() == kMaxPhases) {
      if (ids.insert("").second) reader.problem("", "There are more than " + std::to_string(kMaxPhases) + " phases.");
      return;
    }
    Phase phase = read_phase(reader, defaults);
    if (!phase.id.empty() && !ids.insert(phase.id).second)
      reader.problem("id", "The phase \"" + phase.id + "\" stands here twice.");
    parsed.file.phases.push_back(std::move(phase));
  });
  if (parsed.file.phases.empty()) file.problem("", "There is no phase.");
  file.finish();
  return parsed;
}

}  // namespace berth::phases
