// What an operator should know of and what is no event: goes to the log lines, wired by the app.
#pragma once

#include <functional>
#include <string_view>

namespace headgate::reconciler {

enum class NoticeLevel { info, warning };
// `correlation`: the target, promotion or repository it is about. Thread-safe.
using Notice = std::function<void(NoticeLevel level, std::string_view message, std::string_view correlation)>;

}  // namespace headgate::reconciler
