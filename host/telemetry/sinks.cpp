// The sinks that write to the world, on spdlog; no other file includes it.
#include <spdlog/details/log_msg.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <sys/stat.h>

#include <atomic>
#include <cstdio>

#include "host/telemetry/log.hpp"

namespace berth::telemetry {
namespace {

/// Hands finished lines to a spdlog sink, which brings its lock, rotation and write errors.
class SpdlogSink final : public Sink {
 public:
  SpdlogSink(std::shared_ptr<spdlog::sinks::sink> sink, Format format) : sink_(std::move(sink)), format_(format) {
    sink_->set_formatter(std::make_unique<spdlog::pattern_formatter>("%v"));
  }

  void write(const Entry& entry) override {
    try {
      const auto line = format_ == Format::kJson ? to_json_line(entry) : to_human_line(entry);
      sink_->log(spdlog::details::log_msg(spdlog::string_view_t(), spdlog::level::info, line));
      sink_->flush();
    } catch (const std::exception&) {
      // A full disk must not stop the work; whoever watches sees the count.
      lost_.fetch_add(1);
    }
  }
  [[nodiscard]] std::uint64_t lost() const override { return lost_.load(); }

 private:
  std::shared_ptr<spdlog::sinks::sink> sink_;
  Format format_;
  std::atomic<std::uint64_t> lost_{0};
};

}  // namespace

std::shared_ptr<Sink> make_stderr_sink(Format format) {
  return std::make_shared<SpdlogSink>(std::make_shared<spdlog::sinks::stderr_sink_mt>(), format);
}

Result<std::shared_ptr<Sink>> make_file_sink(const FileSinkOptions& options) {
  try {
    spdlog::file_event_handlers handlers;
    // Also for each file that a rotation opens. If it fails the file has the process's mask; the folder's mode decides
    // then.
    handlers.after_open = [](const spdlog::filename_t&, std::FILE* file) {
      static_cast<void>(::fchmod(::fileno(file), 0600));
    };
    auto sink = std::make_shared<spdlog::sinks::rotating_file_sink_mt>(options.path, options.file_bytes_max,
                                                                       options.files_max, false, handlers);
    return std::shared_ptr<Sink>(std::make_shared<SpdlogSink>(std::move(sink), options.format));
  } catch (const std::exception& exception) {
    return make_error(Code::kEnvironment, "telemetry.log_file",
                      "Cannot open the log file " + options.path + ": " + exception.what());
  }
}

}  // namespace berth::telemetry
