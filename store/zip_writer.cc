#include "store/zip_writer.h"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/core.h>

#include <utility>

namespace headgate::store {

struct ZipWriter::Output {
  std::string bytes;
  std::size_t max_bytes;
  bool full = false;
};

ZipWriter::ZipWriter(Timestamp time, std::size_t max_bytes)
    : time_(time), output_(std::make_unique<Output>(Output{{}, max_bytes})), archive_(archive_write_new()) {
  HEADGATE_CHECK(archive_ != nullptr);
  HEADGATE_CHECK(archive_write_set_format_zip(archive_) == ARCHIVE_OK);
  archive_write_set_bytes_per_block(archive_, 0);  // no padding at the end
  const auto write = [](archive*, void* data, const void* bytes, std::size_t size) -> la_ssize_t {
    auto& output = *static_cast<Output*>(data);
    if (size > output.max_bytes - output.bytes.size()) {
      output.full = true;
      return -1;
    }
    output.bytes.append(static_cast<const char*>(bytes), size);
    return static_cast<la_ssize_t>(size);
  };
  HEADGATE_CHECK(archive_write_open(archive_, output_.get(), nullptr, write, nullptr) == ARCHIVE_OK);
}

ZipWriter::~ZipWriter() {
  archive_write_free(archive_);
}

std::unexpected<Error> ZipWriter::failed() const {
  if (output_->full) {
    return fail(ErrorCode::too_large, fmt::format("the archive grew over {} bytes", output_->max_bytes));
  }
  const char* words = archive_error_string(archive_);
  return fail(ErrorCode::io, fmt::format("the archive cannot be written: {}", words ? words : "no reason given"));
}

Result<void> ZipWriter::add(const std::string& name, std::string_view bytes) {
  const std::unique_ptr<archive_entry, decltype(&archive_entry_free)> entry(archive_entry_new(), &archive_entry_free);
  HEADGATE_CHECK(entry != nullptr);
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time_).time_since_epoch().count();
  archive_entry_set_pathname(entry.get(), name.c_str());
  archive_entry_set_filetype(entry.get(), AE_IFREG);
  archive_entry_set_perm(entry.get(), 0644);
  archive_entry_set_mtime(entry.get(), static_cast<time_t>(seconds), 0);
  archive_entry_set_size(entry.get(), static_cast<la_int64_t>(bytes.size()));
  if (archive_write_header(archive_, entry.get()) != ARCHIVE_OK) return failed();
  if (archive_write_data(archive_, bytes.data(), bytes.size()) != static_cast<la_ssize_t>(bytes.size())) {
    return failed();
  }
  return {};
}

Result<std::string> ZipWriter::finish() {
  if (archive_write_close(archive_) != ARCHIVE_OK) return failed();
  return std::move(output_->bytes);
}

}  // namespace headgate::store
