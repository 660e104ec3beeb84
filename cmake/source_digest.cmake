# cmake -DFILES=a;b -DROOT=dir -DOUT=header -P source_digest.cmake: the SHA-256 over names and contents of the files.
set(all "")
list(SORT FILES)
foreach(file IN LISTS FILES)
  file(SHA256 "${file}" one)
  file(RELATIVE_PATH name "${ROOT}" "${file}")
  string(APPEND all "${one}  ${name}\n")
endforeach()
string(SHA256 digest "${all}")
file(CONFIGURE OUTPUT "${OUT}" CONTENT "#pragma once

namespace headgate::store {
inline constexpr const char* kDomainDigest = \"${digest}\";
}  // namespace headgate::store
" @ONLY)
