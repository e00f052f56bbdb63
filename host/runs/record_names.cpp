#include "host/runs/record_names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <vector>

#include "berth/json.hpp"
#include "host/core/text.hpp"
#include "host/storage/rows.hpp"

namespace berth::runs {

namespace {

using storage::Connection;
using storage::Record;
using storage::Row;

constexpr std::size_t kCandidatesShown = 8;
constexpr std::size_t kNameShown = 80;
/// Kinds whose rows have a number or a name that a person would use.
constexpr std::string_view kKinds[] = {"invoice", "customer_payment", "credit_note", "customer", "vendor", "item"};

/// States of records that have no row here.
constexpr std::string_view kUnposted[] = {"pending", "parked", "failed", "skipped", "ignored", "archived"};

std::optional<std::int64_t> number_of(std::string_view text) {
  std::int64_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

class Finder {
 public:
  Finder(Connection& connection, std::string_view integration, const EntityOf& entity_of)
      : connection_(connection), integration_(integration), entity_of_(entity_of) {}

  Result<NamedDocument> find(std::string_view name) {
    std::string text(trim(name));
    if (text.empty()) return unknown(text);
    // "entry 12" as "entry/12".
    if (const auto blank = text.find(' '); blank != std::string::npos && text.find('/') == std::string::npos) {
      const std::string_view first = std::string_view(text).substr(0, blank);
      if (first == "entry" || first == "line" || first == "record") text[blank] = '/';
    }
    const auto slash = text.find('/');
    const std::string before = text.substr(0, slash);
    const std::string after = slash == std::string::npos ? std::string() : text.substr(slash + 1);
    if (slash != std::string::npos && (before == "entry" || before == "line")) return find_entry(before, after);
    if (slash != std::string::npos && before == "record") {
      const auto id = number_of(after);
      const auto record = id ? BERTH_TRY(storage::records::find(connection_, *id)) : std::nullopt;
      if (record && record->integration == integration_) return of(*record);
      return unknown(text);
    }
    if (slash != std::string::npos) BERTH_CHECK(add_reference(before, after));
    if (found_.empty() && made_here_.empty()) BERTH_CHECK(add_everything_named(text));
    if (found_.empty() && made_here_.empty()) BERTH_CHECK(add_unposted_with_number(text));
    if (found_.size() + made_here_.size() > 1) return ambiguous(text);
    if (!found_.empty()) return of(found_.front());
    if (made_here_.empty()) return unknown(text);
    NamedDocument named;
    named.source = made_here_.front();
    return named;
  }

 private:
  static NamedDocument of(Record record) {
    NamedDocument named;
    named.source = {record.integration, record.entity, record.remote_id, {}};
    named.record = std::move(record);
    return named;
  }
  void add(std::optional<Record> record) {
    if (!record || record->integration != integration_) return;
    const auto is_it = [&](const Record& known) { return known.id == record->id; };
    if (std::none_of(found_.begin(), found_.end(), is_it)) found_.push_back(*std::move(record));
  }

  Result<const std::vector<std::string>*> entities() {
    if (entities_.empty()) {
      BERTH_CHECK(connection_.each("SELECT DISTINCT entity FROM record WHERE integration = ?", {integration_}, [&](const Row& row) {
        entities_.push_back(row.text(0));
        return true;
      }));
    }
    return &entities_;
  }

  Status add_remote(std::string_view remote_id) {
    for (const std::string& entity : *BERTH_TRY(entities())) add(BERTH_TRY(storage::records::find(connection_, integration_, entity, remote_id)));
    return success();
  }

  /// The record that became that row. Its remote entity may have another name than the row's kind: contact, customer.
  Status add_row(const storage::LocalRow& row) {
    if (row.integration != integration_ || row.remote_id.empty()) return success();
    const std::size_t before = found_.size();
    bool is_there = false;
    for (const std::string& entity : *BERTH_TRY(entities())) {
      const auto record = BERTH_TRY(storage::records::find(connection_, integration_, entity, row.remote_id));
      if (!record || (record->local_id != row.id && record->entity != row.kind)) continue;
      is_there = true;
      add(record);
    }
    // An opening receivable: it is in the books, and the remote was never asked for it.
    const documents::Source source{integration_, row.kind, row.remote_id, {}};
    const auto is_it = [&](const documents::Source& known) { return known.entity == source.entity && known.remote_id == source.remote_id; };
    if (!is_there && found_.size() == before && std::none_of(made_here_.begin(), made_here_.end(), is_it)) made_here_.push_back(source);
    return success();
  }

  Status add_reference(const std::string& kind, const std::string& remote_id) {
    add(BERTH_TRY(storage::records::find(connection_, integration_, kind, remote_id)));
    if (!found_.empty()) return success();
    if (const std::string entity = entity_of_ ? entity_of_(kind) : std::string(); !entity.empty() && entity != kind) {
      add(BERTH_TRY(storage::records::find(connection_, integration_, entity, remote_id)));
      if (!found_.empty()) return success();
    }
    if (const auto row = BERTH_TRY(storage::rows::find_by_remote(connection_, kind, integration_, remote_id))) BERTH_CHECK(add_row(*row));
    if (!found_.empty() || !made_here_.empty()) return success();
    // "invoice/INV-000317".
    for (const storage::LocalRow& row : BERTH_TRY(rows_named(kind, remote_id))) BERTH_CHECK(add_row(row));
    return success();
  }

  Result<std::vector<storage::LocalRow>> rows_named(std::string_view kind, std::string_view name) {
    std::vector<std::string> ids;
    BERTH_CHECK(connection_.each("SELECT id FROM local_row WHERE kind = ? AND scope = '' AND name = ? AND integration = ? LIMIT ?",
                                 {kind, name, integration_, kCandidatesShown + 1}, [&](const Row& row) {
                                   ids.push_back(row.text(0));
                                   return true;
                                 }));
    std::vector<storage::LocalRow> rows;
    for (const std::string& id : ids) {
      if (auto row = BERTH_TRY(storage::rows::find(connection_, id))) rows.push_back(*std::move(row));
    }
    return rows;
  }

  Status add_everything_named(const std::string& text) {
    BERTH_CHECK(add_remote(text));
    if (const auto id = number_of(text)) add(BERTH_TRY(storage::records::find(connection_, *id)));
    if (const auto row = BERTH_TRY(storage::rows::find(connection_, text))) BERTH_CHECK(add_row(*row));
    for (const std::string_view kind : kKinds) {
      for (const storage::LocalRow& row : BERTH_TRY(rows_named(kind, text))) BERTH_CHECK(add_row(row));
    }
    return success();
  }

  /// What did not post has no row with its number: that is in its answers only.
  Status add_unposted_with_number(const std::string& text) {
    const std::string quoted = "\"" + text + "\"";
    // The newest of each state and entity, which is an index; then the newest of them all.
    std::vector<std::pair<std::int64_t, std::int64_t>> newest;   // order of capture, id
    for (const std::string& entity : *BERTH_TRY(entities())) {
      for (const std::string_view state : kUnposted) {
        BERTH_CHECK(connection_.each("SELECT captured, id FROM record WHERE integration = ? AND state = ? AND entity = ? AND local_id = '' "
                                     "ORDER BY captured DESC LIMIT ?",
                                     {integration_, state, entity, kBodiesReadMax}, [&](const Row& row) {
                                       newest.emplace_back(row.integer(0), row.integer(1));
                                       return true;
                                     }));
      }
    }
    std::sort(newest.rbegin(), newest.rend());
    if (newest.size() > kBodiesReadMax) newest.resize(kBodiesReadMax);
    for (const auto& [captured, id] : newest) {
      const storage::Bodies bodies = BERTH_TRY(storage::records::load(connection_, id));
      const auto& body = bodies.row ? bodies.row : bodies.detail;
      if (!body || body->body.find(quoted) == std::string::npos) continue;
      const json::Parsed parsed = json::parse(body->body);
      for (const json::Member& member : parsed.value.members()) {
        if ((member.first.ends_with("number") || member.first.ends_with("name")) && member.second.text() == text) {
          add(BERTH_TRY(storage::records::find(connection_, id)));
          break;
        }
      }
    }
    return success();
  }

  Result<NamedDocument> find_entry(const std::string& what, const std::string& text) {
    const auto dot = text.find('.');
    const auto entry = number_of(text.substr(0, dot));
    const auto line = dot == std::string::npos ? std::optional<std::int64_t>(0) : number_of(text.substr(dot + 1));
    if (!entry || !line || (what == "line" && *line == 0)) {
      return make_error(Code::kInvalidArgument, "admin.entry_unknown",
                        fmt::format("\"{}/{}\" names no entry; it is entry/NUMBER, or line/NUMBER.LINE with lines counted from 1", what, shortened(text, kNameShown)));
    }
    const auto row = BERTH_TRY(connection_.first("SELECT integration, entity, remote_id, version, local_id, line_count FROM entry WHERE id = ?", {*entry}));
    if (!row) {
      const auto last = BERTH_TRY(connection_.first("SELECT COALESCE(MAX(id), 0) FROM entry"));
      return make_error(Code::kNotFound, "admin.entry_unknown", fmt::format("there is no entry {}; the last one is {}", *entry, last ? last->integer(0) : 0));
    }
    if (row->text(0) != integration_) {
      return make_error(Code::kNotFound, "admin.entry_unknown", fmt::format("entry {0} is of {1}: `berth records show {1} entry/{0}`", *entry, row->text(0)));
    }
    if (*line > row->integer(5)) {
      return make_error(Code::kNotFound, "admin.entry_unknown", fmt::format("entry {} has {} lines, and no line {}", *entry, row->integer(5), *line));
    }
    NamedDocument named;
    for (const std::string& entity : *BERTH_TRY(entities())) {
      const auto record = BERTH_TRY(storage::records::find(connection_, integration_, entity, row->text(2)));
      if (record && (record->local_id == row->text(4) || (!named.record && entity == row->text(1)))) named.record = record;
    }
    named.source = {row->text(0), row->text(1), row->text(2), row->text(3)};
    named.entry = *entry;
    named.line = *line;
    return named;
  }

  Result<NamedDocument> unknown(const std::string& text) {
    std::string near;
    const auto slash = text.find('/');
    const std::string word = slash == std::string::npos ? text : text.substr(slash + 1);
    BERTH_CHECK(add_remote(word));
    if (!found_.empty()) near = found_.front().entity + "/" + word;
    for (const std::string_view kind : kKinds) {
      if (!near.empty()) break;
      const auto row = BERTH_TRY(storage::rows::find_nearest_name(connection_, kind, "", word));
      if (row && row->integration == integration_) near = row->name;
    }
    return make_error(Code::kNotFound, "runs.record_unknown",
                      fmt::format("{} has no document \"{}\"{}; it may be ENTITY/REMOTE_ID, a remote id, a number, entry/N or line/N.M", integration_,
                                  shortened(text, kNameShown), near.empty() ? "" : fmt::format("; did you mean \"{}\"?", shortened(near, kNameShown))));
  }

  Result<NamedDocument> ambiguous(const std::string& text) const {
    std::string list;
    for (std::size_t i = 0; i < std::min(found_.size(), kCandidatesShown); ++i) {
      const Record& one = found_[i];
      list += fmt::format("{}{}/{}", list.empty() ? "" : ", ", one.entity, one.remote_id);
    }
    if (found_.size() > kCandidatesShown) list += fmt::format(" and {} more", found_.size() - kCandidatesShown);
    for (const documents::Source& one : made_here_) list += fmt::format("{}{}/{}", list.empty() ? "" : ", ", one.entity, one.remote_id);
    return make_error(Code::kInvalidArgument, "admin.record_ambiguous",
                      fmt::format("\"{}\" may be any of {} documents of {}: {}", shortened(text, kNameShown), found_.size() + made_here_.size(), integration_, list));
  }

  Connection& connection_;
  const std::string integration_;
  const EntityOf& entity_of_;
  std::vector<std::string> entities_;
  std::vector<Record> found_;
  std::vector<documents::Source> made_here_;   // of rows without a record
};

}  // namespace

Result<NamedDocument> find_document(Connection& connection, std::string_view integration, std::string_view name, const EntityOf& entity_of) {
  return Finder(connection, integration, entity_of).find(name);
}

}  // namespace berth::runs
