#pragma once
// The columns of a record, for the files that read them. Not for other folders.
#include <string_view>

#include "host/storage/records.hpp"

namespace berth::storage {

inline constexpr std::string_view kSelectRecord =
    "SELECT id, integration, entity, remote_id, row_version, row_fetched_ms, detail_version, detail_fetched_ms, state, "
    "reason, message, "
    "detail_json, local_id, rules_revision, document_hash, remote_state, seen_pass, captured, state_since_ms, row_settled, detail_settled FROM "
    "record";

inline Record read_record(const Row& row) {
  return {.id = row.integer(0),
          .integration = row.text(1),
          .entity = row.text(2),
          .remote_id = row.text(3),
          .row_version = row.text(4),
          .row_fetched = row.instant(5),
          .detail_version = row.text(6),
          .detail_fetched = row.instant(7),
          .is_row_settled = row.integer(19) != 0,
          .is_detail_settled = row.integer(20) != 0,
          .state = row.text(8),
          .reason = row.text(9),
          .message = row.text(10),
          .detail_json = row.text(11),
          .local_id = row.text(12),
          .rules_revision = row.text(13),
          .document_hash = row.text(14),
          .remote_state = row.text(15),
          .seen_pass = row.integer(16),
          .captured = row.integer(17),
          .state_since = row.instant(18)};
}

}  // namespace berth::storage
