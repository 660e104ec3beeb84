#include "app/promotion_verb.h"

#include <memory>
#include <utility>

#include "app/client.h"
#include "app/table.h"
#include "engine/domain/names.h"

namespace headgate::app {

Result<std::string> promotion_path(const std::string& id) {
  auto parsed = parse_promotion_id(id);
  if (!parsed) {
    auto error = std::move(parsed).error();
    if (const auto target = parse_target_id(id)) {
      error.message += "; that is a target: see headgate status " + target->service +
                       ", or its promotions: headgate get promotions --service " + target->service + " --environment " +
                       target->environment;
    }
    return std::unexpected(std::move(error));
  }
  return "/v1/promotions/" + id;
}

void add_promotion_verb(Cli& cli, const PromotionVerb& verb) {
  auto* added = cli.program.add_subcommand(verb.name, verb.help);
  auto id = std::make_shared<std::string>();
  auto text = std::make_shared<std::string>();
  added->add_option("PROMOTION", *id)->required();
  added->add_option(std::string("--") + verb.text, *text)->required(verb.required);
  added->footer(std::string("Example:\n  headgate ") + verb.name + " gateway/production/7" + verb.example);
  act(cli, added, [&cli, verb, id, text](Client& client) -> Result<int> {
    HEADGATE_TRY(const auto path, promotion_path(*id));
    boost::json::object body;
    if (!text->empty()) body[verb.text] = *text;
    HEADGATE_TRY(const auto answer, client.post(path + "/" + verb.name, body));
    if (!print_raw(cli.output, answer)) verb.print(*id, answer);
    return exit_done;
  });
}

}  // namespace headgate::app
