// The sentences that scenarios are made of: a pattern with {placeholders}, and what it does or expects.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/domain/error.h"

namespace headgate::pipelines {

class Player;
using Words = std::vector<std::string>;  // what stands in the placeholders, in their order

struct Sentence {
  std::string_view pattern;
  Result<void> (*play)(Player& player, const Words& words);
};

std::span<const Sentence> actions();       // may stand under given and when
std::span<const Sentence> expectations();  // may stand under then

// Empty when the text is none of the sentences. Placeholders take one word each, {places}, {metrics}, {duration} and
// {time} several, {text} the rest.
struct Match {
  const Sentence* sentence = nullptr;
  Words words;
};
Match match(std::span<const Sentence> sentences, const std::string& text);

}  // namespace headgate::pipelines
