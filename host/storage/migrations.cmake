# Embeds migrations/*.sql, each with what sqlite/ and postgresql/ add to it: included by host/CMakeLists.txt it makes the rule for the generated source
# (BERTH_MIGRATIONS_SOURCE); run as a script (cmake -P) it writes that source.
if(CMAKE_SCRIPT_MODE_FILE)
  file(GLOB files ${FOLDER}/*.sql)
  list(SORT files)
  set(entries "")
  foreach(path IN LISTS files)
    get_filename_component(name ${path} NAME_WE)
    if(NOT name MATCHES "^([0-9][0-9][0-9][0-9])_")
      message(FATAL_ERROR "${path}: the name of a migration begins with four digits and an underscore")
    endif()
    string(REGEX REPLACE "^0+" "" version "${CMAKE_MATCH_1}")
    file(READ ${path} sql)
    set(texts "R\"berth_sql(${sql})berth_sql\"")
    foreach(engine sqlite postgresql)
      set(own "")
      if(EXISTS ${FOLDER}/${engine}/${name}.sql)
        file(READ ${FOLDER}/${engine}/${name}.sql own)
      endif()
      string(APPEND texts ", R\"berth_sql(${own})berth_sql\"")
    endforeach()
    string(APPEND entries "    {${version}, \"${name}\", ${texts}},\n")
  endforeach()
  file(WRITE ${OUTPUT}.new "// Generated from host/storage/migrations.
#include \"host/storage/migrations.hpp\"

namespace berth::storage {
namespace {
constexpr Migration kMigrations[] = {
${entries}};
}  // namespace
std::span<const Migration> embedded_migrations() { return kMigrations; }
}  // namespace berth::storage
")
  file(RENAME ${OUTPUT}.new ${OUTPUT})
  return()
endif()

set(BERTH_MIGRATIONS_SOURCE ${CMAKE_BINARY_DIR}/generated/storage_migrations.cpp)
file(GLOB migration_files CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/migrations/*.sql ${CMAKE_CURRENT_LIST_DIR}/migrations/*/*.sql)
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/generated)
add_custom_command(OUTPUT ${BERTH_MIGRATIONS_SOURCE}
  COMMAND ${CMAKE_COMMAND} -DFOLDER=${CMAKE_CURRENT_LIST_DIR}/migrations -DOUTPUT=${BERTH_MIGRATIONS_SOURCE}
          -P ${CMAKE_CURRENT_LIST_FILE}
  DEPENDS ${migration_files} ${CMAKE_CURRENT_LIST_FILE}
  COMMENT "Embedding migrations" VERBATIM)
