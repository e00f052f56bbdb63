// Which members of an answer the rules look at: everything that the evaluator reads is named in the compiled tree, so a walk
// over it finds them all. An operator that is added has to say here what it reads, or this does not compile.
#include <algorithm>

#include "host/core/text.hpp"
#include "host/mapping/rules.hpp"

namespace berth::mapping {
namespace {

class Walk {
 public:
  explicit Walk(Rules::Reads& reads) : reads_(reads) {}

  void entity(const Entity& entity) {
    value(entity.key);
    if (entity.currency) value(*entity.currency);
    if (entity.state) value(entity.state->value);
    for (const IgnoreRule& rule : entity.ignore) condition(rule.when);
    for (const Let& let : entity.let) value(let.value);
    fields(entity.fields);
    fields(entity.on_create);
    for (const OfferRule& offer : entity.offers) {
      value(offer.key);
      for (const auto& [name, offered] : offer.values) value(offered);
    }
  }

  void operator()(const PathOp& op) { path(op.path); }
  void operator()(const CustomFieldOp& op) {
    reads_.members.emplace_back("custom_fields");
    if (!op.by_api_name) return reads_.patterns.emplace_back("cf_*"), void();   // of list rows
    reads_.members.push_back(op.name);
    reads_.members.push_back(op.name + "_unformatted");
  }
  void operator()(const ConstOp&) {}
  void operator()(const SettingOp&) {}
  void operator()(const IntegrationOp&) {}
  void operator()(const VarOp&) {}   // its value is read where `let` makes it
  void operator()(const OfferedOp&) {}
  void operator()(const FirstOfOp& op) {
    for (const Value& one : op.values) value(one);
  }
  void operator()(const CaseOp& op) {
    for (const Branch& branch : op.branches) {
      if (branch.when) condition(*branch.when);
      value(branch.value);
    }
  }
  void operator()(const TableOp& op) { value(op.value); }
  void operator()(const NonzeroOp& op) { reads_.patterns.insert(reads_.patterns.end(), op.patterns.begin(), op.patterns.end()); }
  void operator()(const LookupOp& op) {
    if (op.kind == "classification_line") reads_.classifications.push_back(op.scope);
    value(op.value);
  }
  void operator()(const EnsureOp& op) { value(op.name); }
  void operator()(const AccountOp&) {}
  void operator()(const EachOp& op) {
    path(op.path);
    if (op.where) condition(*op.where);
    fields(op.fields);
  }

 private:
  void value(const Value& value) { std::visit(*this, value.op); }
  void value(const ValueBox& box) {
    if (box) value(*box);
  }
  void condition(const Condition& condition) {
    value(condition.value);
    for (const Condition& child : condition.children) this->condition(child);
  }
  void fields(const std::vector<FieldRule>& rules) {
    for (const FieldRule& rule : rules) value(rule.value);
  }
  void path(const Path& path) {
    switch (path.from) {
      case Path::From::kList:
        reads_.list_beside_detail = true;
        [[fallthrough]];
      case Path::From::kBase:
        if (!path.keys.empty()) reads_.members.push_back(path.keys.front());
        return;
      case Path::From::kPart:   // other answers, which are loaded whole
      case Path::From::kRow:    // of an `each`, whose own path was noted
        return;
    }
  }

  Rules::Reads& reads_;
};

template <class T>
void sort_out(std::vector<T>& all) {
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
}

}  // namespace

std::map<std::string, Rules::Reads, std::less<>> reads_of(const std::vector<Entity>& entities) {
  std::map<std::string, Rules::Reads, std::less<>> all;
  for (const Entity& entity : entities) Walk(all[entity.from]).entity(entity);
  for (auto& [from, reads] : all) {
    sort_out(reads.members);
    sort_out(reads.classifications);
    sort_out(reads.patterns);
  }
  return all;
}

bool Rules::Reads::has(std::string_view member) const {
  if (std::binary_search(members.begin(), members.end(), member)) return true;
  return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) { return matches_glob(pattern, member); });
}

const Rules::Reads& Rules::reads_of(std::string_view remote_entity) const {
  static const Reads none;
  const auto found = data_->reads.find(remote_entity);
  return found == data_->reads.end() ? none : found->second;
}

}  // namespace berth::mapping
