// JSON for people: two spaces a level, one line for what is short.
#pragma once

#include <boost/json.hpp>
#include <string>

namespace headgate::schemas {

inline void write_pretty(std::string& out, const boost::json::value& value, std::size_t indent = 0) {
  constexpr std::size_t kLine = 100;
  const auto flat = boost::json::serialize(value);
  if (indent + flat.size() <= kLine || value.is_primitive()) {
    out += flat;
    return;
  }
  const bool object = value.is_object();
  out += object ? '{' : '[';
  bool first = true;
  const auto begin = [&] {
    out += first ? "\n" : ",\n";
    first = false;
    out.append(indent + 2, ' ');
  };
  if (object) {
    for (const auto& [key, member] : value.get_object()) {
      begin();
      out += boost::json::serialize(boost::json::string(key)) + ": ";
      write_pretty(out, member, indent + 2);
    }
  } else {
    for (const auto& element : value.get_array()) {
      begin();
      write_pretty(out, element, indent + 2);
    }
  }
  out += '\n';
  out.append(indent, ' ');
  out += object ? '}' : ']';
}

}  // namespace headgate::schemas
