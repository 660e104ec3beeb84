find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

add_library(headgate_flags INTERFACE)
target_include_directories(headgate_flags INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(headgate_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 takes every std::expected that is moved for one that may not be set.
  target_compile_options(headgate_flags INTERFACE -Wno-maybe-uninitialized)
endif()
if(HEADGATE_SANITIZE)
  target_compile_options(headgate_flags INTERFACE -fsanitize=${HEADGATE_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(headgate_flags INTERFACE -fsanitize=${HEADGATE_SANITIZE})
endif()
if(HEADGATE_SANITIZE STREQUAL "thread")
  # The sanitizer knows no fences: Asio has another way without them.
  target_compile_options(headgate_flags INTERFACE -Wno-tsan)
  target_compile_definitions(headgate_flags INTERFACE BOOST_ASIO_DISABLE_FENCED_BLOCK)
endif()
if(HEADGATE_FUZZ)
  # libFuzzer is guided by what our code does. Clang 16 has all of the concepts that the library's <expected> asks for,
  # but says so only from Clang 19 on.
  target_compile_options(headgate_flags INTERFACE -fsanitize=fuzzer-no-link -D__cpp_concepts=202002L
                         -Wno-builtin-macro-redefined -Wno-macro-redefined)
endif()
target_compile_definitions(headgate_flags INTERFACE HEADGATE_VERSION="${PROJECT_VERSION}")

# The allocator of what runs for long or is measured (docs/adr/0011-jemalloc.md). The sanitizers bring their own.
add_library(headgate_allocator INTERFACE)
if(NOT HEADGATE_SANITIZE)
  target_link_libraries(headgate_allocator INTERFACE -Wl,--no-as-needed PkgConfig::JEMALLOC)
endif()

# Headers that a whole tier of files reads are read once for all of it: the domain's for the engine, with fmt and Boost.JSON
# for the rooms around it, with GoogleTest for the tests. The owner of each is a library of its own without code. The verbs
# of the command line, which read CLI11 as well, are one library and own theirs.
function(headgate_precompile name)
  cmake_parse_arguments(PCH "" "" "HEADERS;LINK" ${ARGN})
  if(NOT EXISTS ${PROJECT_BINARY_DIR}/precompiled/${name}.cc)
    file(WRITE ${PROJECT_BINARY_DIR}/precompiled/${name}.cc "")
  endif()
  add_library(${name} OBJECT ${PROJECT_BINARY_DIR}/precompiled/${name}.cc)
  target_link_libraries(${name} PRIVATE headgate_flags ${PCH_LINK})
  target_precompile_headers(${name} PRIVATE ${PCH_HEADERS})
endfunction()
set(domain_values ${PROJECT_SOURCE_DIR}/cmake/precompiled.h)
headgate_precompile(headgate_precompiled_engine HEADERS ${domain_values})
headgate_precompile(headgate_precompiled_rooms
  HEADERS ${domain_values} <boost/json.hpp> <fmt/format.h> LINK Boost::json fmt::fmt)
if(HEADGATE_TESTS)
  headgate_precompile(headgate_precompiled_tests
    HEADERS ${domain_values} <gmock/gmock.h> <gtest/gtest.h> LINK GTest::gmock GTest::gtest)
endif()

# headgate_library(name SOURCES … [LINK …]): one library a folder, every file listed.
function(headgate_library name)
  cmake_parse_arguments(LIB "" "" "SOURCES;LINK" ${ARGN})
  add_library(${name} STATIC ${LIB_SOURCES})
  target_link_libraries(${name} PUBLIC headgate_flags ${LIB_LINK})
  if("CLI11::CLI11" IN_LIST LIB_LINK)
    target_precompile_headers(${name} PRIVATE ${domain_values} <CLI/CLI.hpp> <boost/json.hpp> <fmt/format.h>)
  elseif("Boost::json" IN_LIST LIB_LINK)
    target_precompile_headers(${name} REUSE_FROM headgate_precompiled_rooms)
  else()
    target_precompile_headers(${name} REUSE_FROM headgate_precompiled_engine)
  endif()
endfunction()

# headgate_check_records(target): each record that the program appends to a log is held against its published schema
# (tests/schemas/). headgate_test does it for every program that links headgate_store.
function(headgate_check_records target)
  target_link_libraries(${target} PRIVATE headgate_checked_batch headgate_record_checker)
endfunction()

# headgate_test(name [TSAN] LABEL unit SOURCES … LINK …): a GoogleTest program that CTest runs. TSAN: it stays inside
# instrumented code, so that the thread sanitizer can judge it (RocksDB and libgit2 are not).
function(headgate_test name)
  cmake_parse_arguments(TEST "TSAN" "LABEL;TIMEOUT" "SOURCES;LINK" ${ARGN})
  if(NOT TEST_TIMEOUT)
    set(TEST_TIMEOUT 300)
  endif()
  if(TEST_TSAN)
    list(APPEND TEST_LABEL tsan)
  endif()
  add_executable(${name} ${TEST_SOURCES})
  target_link_libraries(${name} PRIVATE headgate_flags ${TEST_LINK} GTest::gmock GTest::gtest GTest::gtest_main)
  target_precompile_headers(${name} REUSE_FROM headgate_precompiled_tests)
  if("headgate_store" IN_LIST TEST_LINK)
    headgate_check_records(${name})
  endif()
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS "${TEST_LABEL}" TIMEOUT ${TEST_TIMEOUT}
                       ENVIRONMENT "LSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/tests/leaks_of_libraries.txt:print_suppressions=0")
endfunction()
