#pragma once
// Rows that a document makes because it names them and they are not there (`ensure` of the rules), and the document with
// their ids in the place of "new:…". Deciding a record and explaining it ask here, so both judge one and the same document.
//
// Reads only; rows are written by whoever posts the document. Errors: the database's, and what `make_id` returns.
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "berth/json.hpp"
#include "host/mapping/mapping.hpp"
#include "host/runs/setup.hpp"
#include "host/storage/rows.hpp"

namespace berth::runs {

struct MadeRows {
  json::Value document;                  // canonical, without placeholders
  std::vector<storage::LocalRow> rows;   // that are not there yet
};
/// The id of a row that stands for these.
using MakeId = std::function<Result<std::string>(std::string_view prefix, std::initializer_list<std::string_view> parts)>;
Result<MadeRows> with_made_rows(storage::Connection& connection, const Setup& setup, const mapping::Outcome& outcome, Instant now, const MakeId& make_id);

}  // namespace berth::runs
