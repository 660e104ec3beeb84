// The verbs that do one thing to one promotion, and may say why: reject, cancel, retry, expedite, override, resume.
#pragma once

#include <boost/json.hpp>
#include <functional>
#include <string>

#include "app/cli.h"

namespace headgate::app {

// Of the API; invalid_input where `id` names no promotion.
Result<std::string> promotion_path(const std::string& id);

struct PromotionVerb {
  const char* name;  // of the verb, and of the route below the promotion's
  const char* help;
  const char* example;          // what stands behind the promotion
  const char* text = "reason";  // the option's name and the field's
  bool required = false;        // the text
  std::function<void(const std::string& id, const boost::json::value& answer)> print;
};
void add_promotion_verb(Cli& cli, const PromotionVerb& verb);

}  // namespace headgate::app
