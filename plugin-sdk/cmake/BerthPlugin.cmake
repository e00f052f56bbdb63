# berth_add_plugin(name SOURCES ... MANIFEST plugin.yaml [FILES phases.yaml mapping.yaml ...] [LIBRARIES ...]
#                  [OUTPUT_ROOT folder])
#
# A connector as a loadable module with everything a host wants to see beside it: <OUTPUT_ROOT>/<name>/ gets the library,
# the files, and the manifest with the library's sha256 added. OUTPUT_ROOT is ${CMAKE_BINARY_DIR}/plugins.
#
# Hidden visibility alone still exports what headers mark visible (Boost's error categories) and GNU unique symbols, so an
# export map leaves exactly berth_plugin_entry.
set(BERTH_PLUGIN_CMAKE_DIR ${CMAKE_CURRENT_LIST_DIR} CACHE INTERNAL "where the scripts of berth_add_plugin are")

function(berth_add_plugin name)
  cmake_parse_arguments(ARG "" "MANIFEST;OUTPUT_ROOT" "SOURCES;FILES;LIBRARIES" ${ARGN})
  if(NOT ARG_SOURCES OR NOT ARG_MANIFEST)
    message(FATAL_ERROR "berth_add_plugin(${name}): SOURCES and MANIFEST are needed")
  endif()
  if(NOT ARG_OUTPUT_ROOT)
    set(ARG_OUTPUT_ROOT ${CMAKE_BINARY_DIR}/plugins)
  endif()
  set(folder ${ARG_OUTPUT_ROOT}/${name})
  set(export_map ${BERTH_PLUGIN_CMAKE_DIR}/plugin.map)

  add_library(${name} MODULE ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE berth_abi ${ARG_LIBRARIES})
  target_compile_options(${name} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-fno-gnu-unique>)
  target_link_options(${name} PRIVATE -Wl,--version-script=${export_map})
  if(NOT BERTH_SANITIZE)
    target_link_options(${name} PRIVATE -Wl,-z,defs)  # the sanitizers' own symbols come from the program
  endif()

  set(inputs ${ARG_MANIFEST} ${ARG_FILES})
  list(TRANSFORM inputs PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/ REGEX "^[^/]")
  set_target_properties(${name} PROPERTIES
    PREFIX lib
    C_VISIBILITY_PRESET hidden
    CXX_VISIBILITY_PRESET hidden
    VISIBILITY_INLINES_HIDDEN ON
    SKIP_BUILD_RPATH ON
    INSTALL_RPATH ""
    LIBRARY_OUTPUT_DIRECTORY ${folder}
    # A changed file links again, so that the folder is always complete and of one piece.
    LINK_DEPENDS "${export_map};${inputs}")
  list(POP_FRONT inputs manifest)
  string(REPLACE ";" "|" files "${inputs}")
  add_custom_command(TARGET ${name} POST_BUILD VERBATIM
    COMMAND ${CMAKE_COMMAND} -DLIBRARY=$<TARGET_FILE:${name}> -DMANIFEST=${manifest} "-DFILES=${files}" -DFOLDER=${folder}
            -P ${BERTH_PLUGIN_CMAKE_DIR}/bundle_plugin.cmake)
endfunction()
