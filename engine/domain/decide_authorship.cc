// Who stands behind a release: signatures of commits, and whose work a promotion holds.
#include "engine/domain/decide_parts.h"

namespace headgate {

Decision decide_command(const State& state, const RecordSignature& c, const Context&) {
  const auto& v = c.verified;
  const auto known = state.signatures.find(v.commit);
  if (known != state.signatures.end()) {
    const auto& k = known->second;
    if (k.verdict == v.verdict && k.signer == v.signer && k.key == v.key && k.reason == v.reason) return Events{};
  }
  return Events{v};
}

Decision decide_command(const State& state, const RecordAuthors& c, const Context&) {
  const auto* p = state.live(c.attributed.promotion);
  if (!p || p->phase != Phase::waiting || p->to.release.commit != c.attributed.to) return Events{};
  const auto& known = p->attribution;
  if (known && (known->known || (!c.attributed.known && c.attributed.commits <= known->commits))) return Events{};
  return Events{c.attributed};
}

}  // namespace headgate
