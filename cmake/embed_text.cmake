# cmake -DINPUT=… -DOUTPUT=… -DHEADER=… -DFUNCTION=ns::name -P embed_text.cmake: a source file whose function gives INPUT's text.
file(READ "${INPUT}" text)
file(WRITE "${OUTPUT}.new" "// Made from ${HEADER}'s text by cmake/embed_text.cmake.
#include \"${HEADER}\"

std::string_view ${FUNCTION}() {
  return R\"embedded(${text})embedded\";
}
")
file(RENAME "${OUTPUT}.new" "${OUTPUT}")
