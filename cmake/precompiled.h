// What nearly every file reads, read once: the standard library and the values of the domain. Only the build names this
// file (cmake/flags.cmake); a source still includes what it uses, and `make lint` compiles without it.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "engine/domain/commands.h"
#include "engine/domain/events.h"
#include "engine/domain/state.h"
