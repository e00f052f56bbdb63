# Embeds docs/reference/reasons.md: included by host/CMakeLists.txt it makes the rule for the generated source
# (BERTH_REASONS_SOURCE); run as a script (cmake -P) it writes that source.
if(CMAKE_SCRIPT_MODE_FILE)
  file(READ ${PAGE} text)
  file(WRITE ${OUTPUT}.new "// Generated from docs/reference/reasons.md.
#include \"host/admin/resolutions.hpp\"

namespace berth::admin {
std::string_view reasons_page() {
  return R\"berth_md(${text})berth_md\";
}
}  // namespace berth::admin
")
  file(RENAME ${OUTPUT}.new ${OUTPUT})
  return()
endif()

set(BERTH_REASONS_SOURCE ${CMAKE_BINARY_DIR}/generated/admin_reasons.cpp)
set(reasons_page ${PROJECT_SOURCE_DIR}/docs/reference/reasons.md)
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/generated)
add_custom_command(OUTPUT ${BERTH_REASONS_SOURCE}
  COMMAND ${CMAKE_COMMAND} -DPAGE=${reasons_page} -DOUTPUT=${BERTH_REASONS_SOURCE} -P ${CMAKE_CURRENT_LIST_FILE}
  DEPENDS ${reasons_page} ${CMAKE_CURRENT_LIST_FILE}
  COMMENT "Embedding reasons" VERBATIM)
