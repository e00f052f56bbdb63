#include "host/mapping/entity_compiler.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "host/mapping/like.hpp"

namespace berth::mapping {
namespace {

const std::vector<std::string> kEntityKeys{"from", "needs", "key",    "currency",  "state",  "ignore",
                                           "let",  "fields", "on_create", "offers", "like", "without", "reduced"};
const std::vector<std::string> kStates{"draft", "open", "void", "unknown"};
const std::vector<std::string> kReasonStates{"draft", "void", "deleted", "unknown"};

class EntityCompiler {
 public:
  EntityCompiler(Report& report, FileScope& file, EntityScope& scope, Entity& out)
      : report_(report), file_(file), scope_(scope), out_(out), values_(report, file, scope) {}

  void header(const Node& node) {
    if (const Node* from = need(report_, node, what_, "from")) out_.from = text_of(report_, *from, "`from`");
    if (const Node* needs = node.find("needs")) {
      out_.needs_detail = text_of(report_, *needs, "`needs`") == "detail";
      out_.waits_for_detail = file_.points.add(needs->place, "no case waits for its detail");
      if (!out_.needs_detail) report_.add(needs->place, "mapping.key_unknown", "an entity can only need its detail", "write `needs: detail`");
    }
    if (const Node* reduced = node.find("reduced")) {
      const bool has_total = out_.model->has_state && documents::find_field(out_.model->fields, "total_only") != nullptr;
      out_.may_be_total = text_of(report_, *reduced, "`reduced`") == "total";
      out_.is_total = file_.points.add(reduced->place, "no case is known by its list row alone");
      if (!out_.may_be_total) report_.add(reduced->place, "mapping.key_unknown", "of a reduced pull an entity can only take the total", "write `reduced: total`");
      if (!has_total || !out_.needs_detail) {
        report_.add(reduced->place, "mapping.key_unknown", fmt::format("`reduced` is for invoices and credit notes that need their detail, not for {}", what_));
      }
    }
    scope_.allows_rows = false;
    if (const Node* key = need(report_, node, what_, "key")) scalar(*key, out_.key, "`key`");
    const Node* currency = node.find("currency");
    const Node* state_node = node.find("state");
    for (const Node* unexpected : {currency, state_node}) {
      if (unexpected != nullptr && !out_.model->has_state) {
        report_.add(unexpected->place, "mapping.state_unexpected", fmt::format("{} is master data, which has no state and no amounts", what_));
        return;
      }
    }
    if (currency != nullptr) {
      scope_.has_currency = true;
      scalar(*currency, out_.currency.emplace(), "`currency`");
    } else if (out_.model->has_state) {
      report_.add(node.place, "mapping.money_currency", fmt::format("{} needs `currency:`", what_));
      scope_.has_currency = true;  // said once
    }
    if (state_node != nullptr) {
      state(*state_node);
    } else if (out_.model->has_state) {
      report_.add(node.place, "mapping.state_required", fmt::format("{} needs `state:`", what_));
    }
    if (const Node* rules = node.find("ignore")) ignore(*rules);
    scope_.allows_rows = true;
  }

  void body(const Node& node, const Merged& merged) {
    for (const config::Member& member : merged.let.members) {
      Let one{member.key, {}};
      StaticType type = values_.value(member.value, one.value);
      if (type.type == FieldType::kList) report_.add(member.value.place, "mapping.list_fields", "a variable cannot be a list");
      out_.let.push_back(std::move(one));
      scope_.let.push_back(member.key);
      scope_.let_types.push_back(std::move(type));
    }
    if (merged.fields.members.empty()) {
      need(report_, node, what_, "fields");
    } else {
      values_.fields(merged.fields, out_.model->fields, what_, out_.fields);
    }
    if (const Node* on_create = node.find("on_create")) {
      if (out_.model->has_state) report_.add(on_create->place, "mapping.state_unexpected", "`on_create` is for master data", "move it to `fields`");
      values_.fields(*on_create, out_.model->fields, what_, out_.on_create);
    }
    values_.check_required(merged.fields.place, out_.model->fields, what_, {&out_.fields, &out_.on_create});
    // Offers are made whatever becomes of the record, also where no variable was worked out.
    scope_.allows_rows = false;
    scope_.let.clear();
    scope_.let_types.clear();
    if (const Node* list = node.find("offers")) offers(*list);
    for (const config::Member& member : merged.let.members) {
      if (scope_.let_used.count(member.key) == 0) {
        report_.add(member.key_place, "mapping.let_unused", fmt::format("`{}` is set and never read", member.key));
      }
    }
  }

  void set_name(std::string_view name) { what_ = fmt::format("`{}`", name); }

 private:
  void scalar(const Node& node, Value& out, std::string_view what) {
    const StaticType type = values_.value(node, out);
    if (!is_scalar(type)) report_.add(node.place, "mapping.type", fmt::format("{} cannot be {}", what, describe(type)));
  }

  void state(const Node& node) {
    StateRule& rule = out_.state.emplace();
    if (!check_map(report_, node, "state", {"value", "map", "missing", "reasons"})) return;
    if (const Node* input = need(report_, node, "state", "value")) scalar(*input, rule.value, "the value of the state");
    const auto state_of = [&](const Node& at, std::string_view what) {
      std::string name = text_of(report_, at, what);
      if (!name.empty() && !is_one_of(name, kStates)) {
        report_.add(at.place, "mapping.state_unknown", fmt::format("`{}` is not a state", name), config::did_you_mean(name, kStates));
      }
      return name;
    };
    if (const Node* map = need(report_, node, "state", "map")) {
      if (!map->is_map()) report_.add(map->place, "mapping.node_kind", fmt::format("`map` of a state must be a map, not {}", map->describe()));
      for (const config::Member& member : map->members) {
        rule.map.emplace_back(member.key, state_of(member.value, fmt::format("what `{}` becomes", member.key)));
        rule.entries.push_back(file_.points.add(member.key_place, fmt::format("no case has the status \"{}\"", member.key)));
      }
    }
    if (const Node* missing = need(report_, node, "state", "missing")) {
      rule.missing = state_of(*missing, "`missing` of the state");
      rule.unlisted = file_.points.add(missing->place, "no case has a status that `map` does not have");
    }
    if (const Node* reasons = need(report_, node, "state", "reasons")) {
      if (!check_map(report_, *reasons, "reasons", kReasonStates)) return;
      for (const std::string& name : kReasonStates) {
        const Node* reason = need(report_, *reasons, "reasons", name);
        if (reason == nullptr) continue;
        rule.reasons.emplace_back(name, values_.reason(*reason, "a reason"));
        if (name == "deleted") rule.deleted = file_.points.add(reason->place, "no case is gone at the remote");
      }
    }
  }

  void ignore(const Node& node) {
    if (!node.is_list()) report_.add(node.place, "mapping.node_kind", fmt::format("`ignore` must be a list, not {}", node.describe()));
    std::vector<std::string> conditions;
    for (const Node& item : node.items) {
      if (!check_map(report_, item, "a rule of ignore", {"when", "reason"})) continue;
      IgnoreRule& rule = out_.ignore.emplace_back();
      rule.place = item.place;
      rule.holds = file_.points.add(item.place, "no case is ignored by this rule");
      if (const Node* when = need(report_, item, "a rule of ignore", "when")) {
        values_.condition(*when, rule.when);
        std::string written = json::canonical(config::to_json(*when));
        if (is_one_of(written, conditions)) report_.add(when->place, "mapping.unreachable", "an earlier rule has the same condition");
        conditions.push_back(std::move(written));
      }
      if (const Node* reason = need(report_, item, "a rule of ignore", "reason")) rule.reason = values_.reason(*reason, "`reason`");
    }
  }

  void offers(const Node& node) {
    if (!node.is_list()) report_.add(node.place, "mapping.node_kind", fmt::format("`offers` must be a list, not {}", node.describe()));
    for (const Node& item : node.items) {
      if (!item.is_map()) {
        report_.add(item.place, "mapping.node_kind", fmt::format("an offer must be a map, not {}", item.describe()));
        continue;
      }
      OfferRule& rule = out_.offers.emplace_back();
      if (const Node* to = need(report_, item, "an offer", "to")) rule.to = text_of(report_, *to, "`to`");
      if (const Node* key = need(report_, item, "an offer", "key")) scalar(*key, rule.key, "the key of an offer");
      for (const config::Member& member : item.members) {
        if (member.key == "to" || member.key == "key") continue;
        auto& [name, value] = rule.values.emplace_back(member.key, Value{});
        scalar(member.value, value, "an offered value");
      }
    }
  }

  Report& report_;
  FileScope& file_;
  EntityScope& scope_;
  Entity& out_;
  ValueCompiler values_;
  std::string what_;
};

}  // namespace

void compile_entity(Report& report, FileScope& file, const Node& entities, const config::Member& member, Entity& out, EntityScope& scope) {
  out.name = member.key;
  scope.name = member.key;
  out.model = documents::find_model(member.key);
  if (out.model != nullptr && !out.model->is_pulled) out.model = nullptr;
  if (out.model == nullptr) {
    std::vector<std::string> names;
    for (const documents::Model& model : documents::models()) {
      if (model.is_pulled) names.push_back(model.name);
    }
    report.add(member.key_place, "mapping.entity_unknown", fmt::format("`{}` is not a canonical model", member.key), config::did_you_mean(member.key, names));
    return;
  }
  if (!check_map(report, member.value, fmt::format("`{}`", member.key), kEntityKeys)) return;
  EntityCompiler compiler(report, file, scope, out);
  compiler.set_name(member.key);
  compiler.header(member.value);
  compiler.body(member.value, merge_like(report, entities, member.value));
}

}  // namespace berth::mapping
