# Embeds catalogue/*.yaml: included by host/CMakeLists.txt it makes the rule for the generated source
# (BERTH_REASONS_SOURCE); run as a script (cmake -P) it writes that source.
if(CMAKE_SCRIPT_MODE_FILE)
  file(GLOB files ${FOLDER}/*.yaml)
  list(SORT files)
  set(entries "")
  foreach(path IN LISTS files)
    get_filename_component(name ${path} NAME_WE)
    file(READ ${path} text)
    string(APPEND entries "    {\"${name}\", R\"berth_yaml(${text})berth_yaml\"},\n")
  endforeach()
  file(WRITE ${OUTPUT}.new "// Generated from host/reasons/catalogue.
#include \"host/reasons/reasons.hpp\"

namespace berth::reasons {
namespace {
constexpr Embedded kFiles[] = {
${entries}};
}  // namespace
std::span<const Embedded> embedded() { return kFiles; }
}  // namespace berth::reasons
")
  file(RENAME ${OUTPUT}.new ${OUTPUT})
  return()
endif()

set(BERTH_REASONS_SOURCE ${CMAKE_BINARY_DIR}/generated/reasons_embedded.cpp)
file(GLOB reasons_files CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/catalogue/*.yaml)
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/generated)
add_custom_command(OUTPUT ${BERTH_REASONS_SOURCE}
  COMMAND ${CMAKE_COMMAND} -DFOLDER=${CMAKE_CURRENT_LIST_DIR}/catalogue -DOUTPUT=${BERTH_REASONS_SOURCE} -P ${CMAKE_CURRENT_LIST_FILE}
  DEPENDS ${reasons_files} ${CMAKE_CURRENT_LIST_FILE}
  COMMENT "Embedding reasons" VERBATIM)
