// What a plugin hands over, and what of that is refused.
#include <string>
#include <vector>

#include "probe.hpp"

namespace probe {

Acts records_acts() {
  return {
      {"kinds_of_records",
       [](Probe& p) -> std::int32_t {
         p.emit("row", R"({"total":12.10})", "thing", BERTH_RECORD_LIST_ONLY);
         p.emit("whole", "{\"note\":\"d\xc3\xa9j\xc3\xa0 \\u0000\"}");
         p.emit("whole", "[1,2]", "thing", 0, "comments");
         p.emit("gone", "", "thing", BERTH_RECORD_DELETED);
         return p.checkpoint(R"({"page":2})", BERTH_CHECKPOINT_PASS_COMPLETE);
       }},
      {"cursor_back", [](Probe& p) { return p.report(std::string(p.cursor.ptr, p.cursor.len)); }},
      {"known",
       [](Probe& p) -> std::int32_t {
         const berth_ref refs[] = {{str("thing"), str("none"), str("1")},
                                   {str("thing"), str("row"), str("1")},
                                   {str("thing"), str("detail"), {}}};
         std::uint8_t answers[3] = {9, 9, 9};
         if (const auto status = p.records->known(p.host, refs, 3, answers, p.error); status != BERTH_OK) return status;
         return p.report(std::to_string(answers[0]) + std::to_string(answers[1]) + std::to_string(answers[2]));
       }},
      {"queue",
       [](Probe& p) -> std::int32_t {
         const berth_ref ref{str("thing"), str("7"), str("v")};
         p.records->need_detail(p.host, &ref, 9'999, p.error);
         std::string seen;
         const auto sink = [](void* ctx, const berth_wanted* wanted) {
           static_cast<std::string*>(ctx)
               ->append(wanted->ref.remote_id.ptr, wanted->ref.remote_id.len)
               .append(std::to_string(wanted->want));
         };
         if (const auto status = p.records->next_details(p.host, 5, &seen, sink, p.error); status != BERTH_OK)
           return status;
         p.records->attach(p.host, &ref, str("a.pdf"), str("application/pdf"), {"%PDF\0\xff", 6}, p.error);
         return p.report(seen);
       }},
      {"progress_and_time",
       [](Probe& p) -> std::int32_t {
         p.control->progress(p.host, 3, 10);
         return p.report(std::to_string(p.control->now_unix_ms(p.host)));
       }},
      {"many_records",
       [](Probe& p) -> std::int32_t {
         const std::string json = "{\"text\":\"" + std::string(1'500, 'x') + "\"}";
         for (int i = 0; i < 4'000; ++i) {
           if (const auto status = p.emit("m" + std::to_string(i), json); status != BERTH_OK) return status;
           if (i % 200 == 199) {
             if (const auto status = p.checkpoint(); status != BERTH_OK) return status;
           }
         }
         return BERTH_OK;
       }},

      // what is refused; each emits and then commits, so that the error of the posted call arrives
      {"record_too_large",
       [](Probe& p) -> std::int32_t {
         p.emit("big", "{\"a\":\"" + std::string(8u << 20u, 'x') + "\"}");
         return p.checkpoint();
       }},
      {"record_far_too_large",
       [](Probe& p) -> std::int32_t {
         p.emit("big", "{\"a\":\"" + std::string(20u << 20u, 'x') + "\"}");
         return p.checkpoint();
       }},
      {"record_not_json",
       [](Probe& p) {
         p.emit("x", "{\"a\":NaN}");
         return p.checkpoint();
       }},
      {"record_not_object",
       [](Probe& p) {
         p.emit("x", "[1]");
         return p.checkpoint();
       }},
      {"record_not_utf8",
       [](Probe& p) {
         p.emit("x", "{\"a\":\"\xff\xfe\"}");
         return p.checkpoint();
       }},
      {"ref_not_utf8",
       [](Probe& p) {
         p.emit("\xff", "{}");
         return p.checkpoint();
       }},
      {"ref_without_id",
       [](Probe& p) {
         p.emit("", "{}");
         return p.checkpoint();
       }},
      {"deleted_with_document",
       [](Probe& p) {
         p.emit("x", "{}", "thing", BERTH_RECORD_DELETED);
         return p.checkpoint();
       }},
      {"unknown_entity",
       [](Probe& p) {
         p.emit("x", "{}", "ghost");
         return p.checkpoint();
       }},
      {"unknown_flag", [](Probe& p) { return p.emit("x", "{}", "thing", 64u); }},
      {"null_text",
       [](Probe& p) -> std::int32_t {
         berth_record record{};
         record.json = {nullptr, 5};
         return p.records->emit(p.host, &record, p.error);
       }},
      {"refused_and_ignored",
       [](Probe& p) {
         p.emit("x", "[1]");
         return BERTH_OK;
       }},
      {"refused_then_committed",
       [](Probe& p) -> std::int32_t {
         p.emit("good", "{}");
         p.emit("x", "[1]");
         p.checkpoint();
         return p.checkpoint() == BERTH_OK ? BERTH_OK : BERTH_INTERNAL;
       }},
      {"records_overdue",
       [](Probe& p) -> std::int32_t {
         for (int i = 0; i < 1'001; ++i) p.emit(std::to_string(i), "{}");
         return p.checkpoint();
       }},
      {"bytes_overdue",
       [](Probe& p) -> std::int32_t {
         const std::string json = "{\"a\":\"" + std::string(3u << 20u, 'x') + "\"}";
         for (int i = 0; i < 3; ++i) p.emit(std::to_string(i), json);
         return p.checkpoint();
       }},
      {"thousand_records",
       [](Probe& p) -> std::int32_t {
         for (int i = 0; i < 1'000; ++i) p.emit(std::to_string(i), "{}");
         return p.checkpoint();
       }},
      {"cursor_too_large", [](Probe& p) { return p.checkpoint("\"" + std::string(64u << 10u, 'x') + "\""); }},
      {"cursor_not_json", [](Probe& p) { return p.checkpoint("page 2"); }},
      {"too_many_known",
       [](Probe& p) -> std::int32_t {
         const std::vector<berth_ref> refs(1'001, {str("thing"), str("1"), {}});
         std::vector<std::uint8_t> answers(refs.size());
         return p.records->known(p.host, refs.data(), refs.size(), answers.data(), p.error);
       }},
      {"attachment_too_large",
       [](Probe& p) -> std::int32_t {
         const berth_ref ref{str("thing"), str("7"), str("v")};
         const std::string bytes((15u << 20u) + 1, 'x');
         p.records->attach(p.host, &ref, str("a"), str("b"), str(bytes), p.error);
         return p.checkpoint();
       }},
      {"long_log",
       [](Probe& p) -> std::int32_t {
         p.log->write(p.host, BERTH_WARN, str(std::string(100'000, 'x')), str("{\"a\":1}"));
         p.log->write(p.host, 99, str("bad \xff text"), str("no json"));
         return BERTH_OK;
       }},

      {"log_flood",
       [](Probe& p) -> std::int32_t {
         for (int i = 0; i < 10'500; ++i) p.log->write(p.host, BERTH_INFO, str("flood"), {});
         return BERTH_OK;
       }},
  };
}

}  // namespace probe
