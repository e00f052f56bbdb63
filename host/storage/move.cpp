#include "host/storage/move.hpp"

#include <algorithm>

#include "host/core/hash.hpp"
#include "host/core/text.hpp"

namespace berth::storage {
namespace {

struct Shape {
  std::string name;
  std::vector<std::string> columns;
  std::vector<std::string> key;  // its primary key, in the order of the index
  [[nodiscard]] std::string select() const { return "SELECT " + join(columns, ", ") + " FROM " + name; }
};

// These in this order, because rows name rows of those before them; the others then, by name. Lines and matches go before
// their entry, which is judged by them when it comes.
constexpr std::string_view kOrder[] = {"integration", "record", "blob", "local_row", "entry_line", "open_item_match", "entry"};
/// What every database has from its migrations.
constexpr std::string_view kOfMigrations[] = {"schema_migration", "ledger_counter"};
/// What triggers on `integration` and `command` write; by name it comes after them.
constexpr std::string_view kOfTriggers = "schedule";
constexpr std::size_t kRowsInStatement = 100;
constexpr std::size_t kBytesInStatement = 4U << 20U;

Result<std::vector<Shape>> shapes_of(Connection& connection, std::string_view engine) {
  const std::string sql = engine == "sqlite"
                              ? "SELECT m.name, c.name FROM sqlite_master AS m, pragma_table_info(m.name) AS c WHERE m.type = 'table' "
                                "AND m.name NOT LIKE 'sqlite%' ORDER BY m.name, c.name"
                              : "SELECT CAST(c.table_name AS TEXT), CAST(c.column_name AS TEXT) FROM information_schema.columns AS c "
                                "JOIN information_schema.tables AS t ON t.table_schema = c.table_schema AND t.table_name = c.table_name "
                                "WHERE c.table_schema = current_schema() AND t.table_type = 'BASE TABLE' ORDER BY 1, 2";
  std::vector<Shape> shapes;
  for (const Row& row : BERTH_TRY(connection.query(sql))) {
    if (row.text(0) == "schema_migration") continue;
    if (shapes.empty() || shapes.back().name != row.text(0)) shapes.push_back({row.text(0), {}, {}});
    shapes.back().columns.push_back(row.text(1));
  }
  const std::string keys = engine == "sqlite"
                               ? "SELECT m.name, c.name FROM sqlite_master AS m, pragma_table_info(m.name) AS c WHERE m.type = 'table' AND c.pk > 0 "
                                 "ORDER BY m.name, c.pk"
                               : "SELECT CAST(k.table_name AS TEXT), CAST(k.column_name AS TEXT) FROM information_schema.table_constraints AS t "
                                 "JOIN information_schema.key_column_usage AS k ON k.constraint_schema = t.constraint_schema "
                                 "AND k.constraint_name = t.constraint_name AND k.table_name = t.table_name "
                                 "WHERE t.table_schema = current_schema() AND t.constraint_type = 'PRIMARY KEY' ORDER BY 1, k.ordinal_position";
  for (const Row& row : BERTH_TRY(connection.query(keys))) {
    const auto shape = std::find_if(shapes.begin(), shapes.end(), [&](const Shape& one) { return one.name == row.text(0); });
    if (shape != shapes.end()) shape->key.push_back(row.text(1));
  }
  const auto place = [](const Shape& shape) { return std::find(std::begin(kOrder), std::end(kOrder), shape.name) - std::begin(kOrder); };
  std::stable_sort(shapes.begin(), shapes.end(), [&](const Shape& a, const Shape& b) { return place(a) < place(b); });
  return shapes;
}

Parameter parameter_of(const Row& row, std::size_t column, bool is_bytes) {
  if (row.is_null(column)) return nullptr;
  if (is_bytes) return Blob{row.bytes(column)};
  return row.is_integer(column) ? Parameter(row.integer(column)) : Parameter(std::string(row.text(column)));
}

Status check_empty(Connection& connection, const std::vector<Shape>& shapes) {
  for (const Shape& shape : shapes) {
    if (std::find(std::begin(kOfMigrations), std::end(kOfMigrations), shape.name) != std::end(kOfMigrations)) continue;
    if (BERTH_TRY(connection.first("SELECT 1 FROM " + shape.name + " LIMIT 1"))) {
      return make_error(Code::kConflict, "storage.not_empty",
                        "the database to copy into has rows already (table " + shape.name + "); nothing was copied");
    }
  }
  return success();
}

/// Rows of one table on their way, written a hundred at a time.
class Batch {
 public:
  Batch(Connection& target, const Shape& shape) : target_(target), shape_(shape) {}

  Status add(const Row& row) {
    for (std::size_t column = 0; column < shape_.columns.size(); ++column) {
      bytes_ += row.is_bytes(column) ? row.bytes(column).size() : row.text(column).size();
      values_.push_back(parameter_of(row, column, row.is_bytes(column)));
    }
    ++rows_;
    return rows_ >= kRowsInStatement || bytes_ >= kBytesInStatement ? flush() : success();
  }

  Status flush() {
    if (rows_ == 0) return success();
    const std::string one = "(" + join(std::vector<std::string>(shape_.columns.size(), "?"), ", ") + ")";
    BERTH_TRY_CONTEXT("copying " + shape_.name,
                      target_.execute("INSERT INTO " + shape_.name + " (" + join(shape_.columns, ", ") + ") VALUES " +
                                          join(std::vector<std::string>(rows_, one), ", "),
                                      std::span<const Parameter>(values_)));
    written_ += static_cast<std::int64_t>(rows_);
    values_.clear();
    rows_ = 0;
    bytes_ = 0;
    return success();
  }
  [[nodiscard]] std::int64_t written() const { return written_; }

 private:
  Connection& target_;
  const Shape& shape_;
  std::vector<Parameter> values_;
  std::size_t rows_ = 0;
  std::size_t bytes_ = 0;
  std::int64_t written_ = 0;
};

/// PostgreSQL does not see that numbers were given from outside; SQLite does.
Status let_numbers_go_on(Connection& connection, std::string_view engine) {
  if (engine == "sqlite") return success();
  for (const Row& row : BERTH_TRY(connection.query(
           "SELECT CAST(table_name AS TEXT), CAST(column_name AS TEXT) FROM information_schema.columns "
           "WHERE table_schema = current_schema() AND is_identity = 'YES'"))) {
    const std::string& table = row.text(0);
    const std::string& column = row.text(1);
    BERTH_TRY(connection.query("SELECT setval(pg_get_serial_sequence('" + table + "', '" + column + "'), COALESCE(MAX(" + column +
                               "), 0) + 1, false) FROM " + table));
  }
  return success();
}

/// In an order that is the same for every engine, and that has an index: bodies are not held in memory to be sorted.
std::string in_order(const Shape& shape) {
  return shape.select() + " ORDER BY " + (shape.key.empty() ? join(shape.columns, " NULLS FIRST, ") + " NULLS FIRST" : join(shape.key, ", "));
}

}  // namespace

Result<Moved> copy_all(Database& source, Database& target) {
  Moved moved;
  BERTH_CHECK(source.read([&](Connection& from) -> Status {
    const std::vector<Shape> shapes = BERTH_TRY(shapes_of(from, source.engine()));
    return target.write("storage.copy_all", [&](Connection& to) -> Status {
      BERTH_CHECK(check_empty(to, BERTH_TRY(shapes_of(to, target.engine()))));
      BERTH_TRY(to.execute("DELETE FROM ledger_counter"));
      for (const Shape& shape : shapes) {
        // The triggers of tables that were copied before have written there.
        if (shape.name == kOfTriggers) BERTH_TRY(to.execute("DELETE FROM " + shape.name));
        Batch batch(to, shape);
        Status written = success();
        BERTH_CHECK(from.each(shape.select() + (shape.name == "entry" ? " ORDER BY id" : ""), {}, [&](const Row& row) {
          written = batch.add(row);
          return written.ok();
        }));
        BERTH_CHECK(written);
        BERTH_CHECK(batch.flush());
        moved.tables.push_back({shape.name, batch.written()});
        moved.rows += batch.written();
      }
      return let_numbers_go_on(to, target.engine());
    });
  }));
  return moved;
}

Result<std::string> digest_of(Database& database) {
  std::string digests;
  BERTH_CHECK(database.read([&](Connection& connection) -> Status {
    for (const Shape& shape : BERTH_TRY(shapes_of(connection, database.engine()))) {
      std::string running = sha256_hex(shape.name + " " + join(shape.columns, " "));
      BERTH_CHECK(connection.each(in_order(shape), {}, [&](const Row& row) {
        std::string text = running;
        for (std::size_t column = 0; column < shape.columns.size(); ++column) {
          const std::string value = row.is_null(column)      ? "-"
                                    : row.is_bytes(column)   ? "b" + row.bytes(column)
                                    : row.is_integer(column) ? "i" + std::to_string(row.integer(column))
                                                             : "t" + row.text(column);
          text += std::to_string(value.size()) + ":" + value;
        }
        running = sha256_hex(text);
        return true;
      }));
      digests += shape.name + " " + running + "\n";
    }
    return success();
  }));
  return sha256_hex(digests);
}

}  // namespace berth::storage
