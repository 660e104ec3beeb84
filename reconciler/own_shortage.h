// Whether this host itself is short of what a look at another one takes: what such a look then says is about this host,
// and no evidence against anybody.
#pragma once

namespace headgate::reconciler {

// Of an errno: descriptors, memory or local ports ran out.
bool is_own_shortage(int error_number);

// Whether the descriptors that a connection with name resolution and TLS takes can be had just now.
bool is_short_of_descriptors();

}  // namespace headgate::reconciler
