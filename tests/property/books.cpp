#include "property/books.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <fstream>
#include <stdexcept>

#include "host/ledger/invariants.hpp"
#include "host/ledger/opening.hpp"
#include "host/ledger/plan.hpp"
#include "host/ledger/queries.hpp"

namespace berth::property {
namespace {

constexpr std::string_view kIntegration = "zoho_acme";
const Instant kNow{1780000000000};
/// A document may be planned again so often before the books have to be at rest, on average.
constexpr std::size_t kAgainMax = 60;

Date date_of(int day) {
  return Date{2026, 1, 1}.plus_days(day);
}

Currency currency_of(int index) {
  return *Currency::of(kCurrencies[index]);
}

std::string_view entity_of(Kind kind) {
  return kind == Kind::kInvoice ? "invoice" : kind == Kind::kCreditNote ? "credit_note" : "customer_payment";
}
std::string_view prefix_of(Kind kind) {
  return kind == Kind::kInvoice ? "inv_" : kind == Kind::kCreditNote ? "cn_" : "pay_";
}

ledger::Company company(std::string_view id) {
  using ledger::AccountType;
  ledger::Company made;
  made.id = made.name = std::string(id);
  made.base_currency = currency_of(kUsd);
  const std::pair<std::string, AccountType> accounts[] = {
      {"ar", AccountType::kAsset},           {"credits", AccountType::kLiability},  {"goods", AccountType::kIncome},
      {"goods_west", AccountType::kIncome},  {"consulting", AccountType::kIncome},  {"plans", AccountType::kIncome},
      {"anywhere", AccountType::kIncome},    {"opening", AccountType::kEquity},     {"due_from", AccountType::kAsset},
      {"due_to", AccountType::kLiability},   {"fx_unrealised", AccountType::kIncome},
      {"services", AccountType::kIncome},    {"sales", AccountType::kIncome},       {"discount", AccountType::kIncome},
      {"shipping", AccountType::kIncome},    {"other_charges", AccountType::kIncome}, {"returns", AccountType::kIncome},
      {"tax_10", AccountType::kLiability},   {"tax_5", AccountType::kLiability},    {"undeposited", AccountType::kAsset},
      {"bank_main", AccountType::kAsset},    {"bankfees", AccountType::kExpense},   {"rounding", AccountType::kExpense},
      {"taxwithheld", AccountType::kAsset},  {"fx_realised", AccountType::kIncome}, {"baddebt", AccountType::kExpense}};
  for (const auto& [account, type] : accounts) made.chart.accounts[account] = {account, account, type};
  made.chart.roles = {{"ar", "ar"},
                      {"credits", "credits"},
                      {"discount", "discount"},
                      {"shipping", "shipping"},
                      {"other", "other_charges"},
                      {"returns", "returns"},
                      {"bank_fees", "bankfees"},
                      {"rounding", "rounding"},
                      {"tax_withheld", "taxwithheld"},
                      {"fx_realised", "fx_realised"},
                      {"fx_unrealised", "fx_unrealised"},
                      {"due_from", "due_from"},
                      {"due_to", "due_to"},
                      {"opening_balance", "opening"},
                      {"bad_debt", "baddebt"}};
  return made;
}

/// "invoice/17", "invoice/inv_17": 17.
int document_in(const std::string& awaited) {
  const auto digits = awaited.find_last_not_of("0123456789");
  return digits + 1 >= awaited.size() ? -1 : std::stoi(awaited.substr(digits + 1));
}

std::filesystem::path make_folder() {
  const std::filesystem::path memory("/dev/shm");
  const auto base = std::filesystem::is_directory(memory) ? memory : std::filesystem::temp_directory_path();
  std::string pattern = (base / "berth-property-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no folder for the books");
  return pattern;
}

std::string text_of(const Status& status) {
  return status.ok() ? "" : status.error().reason + ": " + status.error().message;
}

}  // namespace

Books::Books(const World& world, const Options& options)
    : world_(world), options_(options), folder_(make_folder()), clock_(std::make_unique<ManualClock>(kNow)) {
  auto opened = storage::open_sqlite({.path = (folder_ / "ledger.db").string()}, *clock_);
  if (!opened.ok()) throw std::runtime_error(opened.error().message);
  database_ = std::move(*opened);
  context_.integration = {std::string(kIntegration), std::string(kCompanies[0]), "USD"};
  ledger::AccountTable table;
  for (std::size_t i = 0; i < std::size(kCompanies); ++i) {
    const std::string_view id = kCompanies[i];
    const Policies& chosen = world.policies()[i];
    ledger::Company made = company(id);
    made.policies.periods = options.periods[i];
    if (chosen.gross) made.policies.presentation = ledger::Presentation::kGross;
    if (chosen.due_to_from) made.policies.intercompany = ledger::kDueToFrom;
    made.policies.bad_debt_relief = chosen.relief;
    context_.companies[std::string(id)] = std::move(made);
    table.set("default_income", "", id, "sales");
    table.set("payment_mode", "Cheque", id, "undeposited");
    table.set("payment_mode", "Wire", id, "bank_main");
    table.set("tax", "T10", id, "tax_10");
    table.set("tax", "T5", id, "tax_5");
  }
  table.set("service_line", "consulting", kCompanies[0], "consulting");
  table.set("zoho_account", "R-goods", kCompanies[0], "goods");
  table.set("zoho_account", "R-goods", kCompanies[1], "goods_west");
  context_.accounts = std::move(table);
  const Status made = database_->write("test.write", [](storage::Connection& c) -> Status {
    struct ItemRow {
      const char *id, *company, *account;
    };
    for (const ItemRow& item : {ItemRow{"goods", "acme_us", "goods"}, ItemRow{"services", "acme_us", "services"}, ItemRow{"plan", "acme_west", "plans"},
                                ItemRow{"anywhere", "", "anywhere"}, ItemRow{"bare", "acme_us", ""}}) {
      BERTH_CHECK(c.execute("INSERT INTO local_row (id, kind, name, company, document_json, created_ms) VALUES (?, 'item', ?, ?, ?, 0)",
                            {item.id, item.id, item.company, fmt::format(R"({{"income_account":"{}"}})", item.account)}));
    }
    for (int customer = 0; customer < kCustomers; ++customer) {
      const std::string id = fmt::format("cus_{}", customer);
      BERTH_CHECK(c.execute("INSERT INTO local_row (id, kind, name, document_json, created_ms) VALUES (?, 'customer', ?, '{}', 0)", {id, id}));
    }
    return success();
  });
  if (!made.ok()) throw std::runtime_error(made.error().message);
}

Books::~Books() {
  database_.reset();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

documents::Document Books::build(int document, bool is_wrong) const {
  const Document& from = world_.documents()[static_cast<std::size_t>(document)];
  const int number = history_.delivered[static_cast<std::size_t>(document)];
  const Version& version = from.versions[static_cast<std::size_t>(number)];
  const Currency currency = currency_of(version.currency);
  const auto money = [&](Minor amount) { return Money(amount, currency); };
  const documents::Source source{std::string(kIntegration), std::string(entity_of(from.kind)), std::to_string(document),
                                 std::to_string(number)};
  const documents::State state = version.state == State::kOpen    ? documents::State::kOpen
                                 : version.state == State::kDraft ? documents::State::kDraft
                                 : version.state == State::kVoid  ? documents::State::kVoid
                                                                  : documents::State::kDeleted;
  const std::optional<Decimal> rate =
      version.currency == kUsd ? std::nullopt : std::optional<Decimal>(Decimal::from_minor(version.rate, 6));
  // An invoice that has not arrived is named by its remote id; one that has, by its row.
  const auto reference = [&](int invoice) {
    return !is_there(invoice) ? documents::Reference{"", fmt::format("invoice/{}", invoice)}
                                                             : documents::Reference{fmt::format("inv_{}", invoice), ""};
  };
  const auto applied_on = [](const Share& share) { return share.day < 0 ? std::nullopt : std::optional<Date>(date_of(share.day)); };
  std::vector<documents::Refund> refunds;
  for (const Refund& refund : version.refunds) {
    refunds.push_back({fmt::format("R{}", refund.row), "Wire", date_of(refund.day), money(refund.amount),
                       refund.rate == 0 || version.currency == kUsd
                           ? std::nullopt
                           : std::optional<Decimal>(Decimal::from_minor(refund.rate, 6))});
  }
  if (from.kind == Kind::kPayment) {
    documents::CustomerPayment payment;
    payment.source = source;
    payment.state = state;
    payment.company = kCompanies[static_cast<std::size_t>(version.company)];
    payment.currency = currency;
    payment.rate = rate;
    payment.number = fmt::format("PAY-{}", document);
    payment.date = date_of(version.day);
    payment.customer = fmt::format("cus_{}", version.customer);
    payment.payment_mode = version.is_to_bank ? "Wire" : "Cheque";
    payment.amount = money(version.amount);
    payment.bank_charges = money(version.charges);
    Minor refunded = 0;
    for (const Refund& refund : version.refunds) refunded += refund.amount;
    // Neither reading of what is unused explains it.
    payment.unused = money(version.amount - version.given() + (is_wrong ? refunded + 1 : 0));
    for (const Share& share : version.shares) {
      payment.allocations.push_back(
          {fmt::format("S{}", share.row), reference(share.invoice), money(share.amount), money(share.withheld), applied_on(share)});
    }
    payment.refunds = std::move(refunds);
    return payment;
  }
  documents::Invoice invoice;
  invoice.is_credit_note = from.kind == Kind::kCreditNote;
  invoice.source = source;
  invoice.state = state;
  invoice.company = kCompanies[static_cast<std::size_t>(version.company)];
  invoice.currency = currency;
  invoice.rate = rate;
  invoice.number = fmt::format("{}-{}", invoice.is_credit_note ? "CN" : "INV", document);
  invoice.date = date_of(version.day);
  invoice.modified = to_string(date_of(version.modified)) + "T10:00:00Z";
  invoice.location = kLocations[version.location];
  invoice.service_type = kServiceTypes[version.service_type];
  invoice.customer = fmt::format("cus_{}", version.customer);
  for (const Row& row : version.rows) {
    documents::Line line;
    line.item = kItems[row.item];
    line.remote_account = kRemotes[row.remote];
    line.service_line = kServiceLines[row.service];
    line.amount = money(row.amount);
    line.discount = money(row.discount);
    invoice.lines.push_back(std::move(line));
  }
  invoice.discount_kind = version.discount_on_document ? "document" : "item";
  invoice.discount = money(version.discount);
  invoice.shipping = invoice.shipping_with_tax = money(version.shipping);
  invoice.adjustment = money(version.adjustment);
  invoice.round_off = money(version.round_off);
  invoice.sub_total = money(version.sub_total());
  invoice.tax_total = money(version.tax_10 + version.tax_5);
  // A total that no reading of the discount explains.
  invoice.total = money(version.total() + (is_wrong ? 1'000'003 : 0));
  invoice.taxes = {{"T10", "VAT 10", money(version.tax_10)}, {"T5", "VAT 5", money(version.tax_5)}};
  if (version.prints_base && version.currency != kUsd && !is_wrong)
    invoice.base_total = Decimal::from_minor(in_base(version.currency, version.rate, version.total()), 2);
  if (invoice.is_credit_note) {
    for (const Share& share : version.shares)
      invoice.applications.push_back({fmt::format("S{}", share.row), reference(share.invoice), money(share.amount), applied_on(share)});
    invoice.refunds = std::move(refunds);
  } else {
    invoice.written_off = money(version.written_off);
  }
  return invoice;
}

std::string Books::describe(int document) const {
  const Document& from = world_.documents()[static_cast<std::size_t>(document)];
  const int number = history_.delivered[static_cast<std::size_t>(document)];
  if (number < 0) return fmt::format("{} {}, not delivered", entity_of(from.kind), document);
  const Version& version = from.versions[static_cast<std::size_t>(number)];
  std::string text = fmt::format("{} {} version {}: state {}, {}, customer {}, {} at {}, day {}", entity_of(from.kind),
                                 document, number, static_cast<int>(version.state),
                                 kCompanies[static_cast<std::size_t>(version.company)], version.customer,
                                 kCurrencies[static_cast<std::size_t>(version.currency)], version.rate, version.day);
  if (from.kind == Kind::kPayment) {
    text += fmt::format(", amount {}, charges {}", version.amount, version.charges);
  } else {
    text += fmt::format(", total {}, written off {}", version.total(), version.written_off);
    for (const Row& row : version.rows) text += fmt::format(", line {}", row.amount);
  }
  for (const Share& share : version.shares)
    text += fmt::format(", S{} gives {} + {} withheld to invoice {}", share.row, share.amount, share.withheld, share.invoice);
  for (const Refund& refund : version.refunds) text += fmt::format(", refund {}", refund.amount);
  return text;
}

bool Books::is_there(int document) const {
  const auto at = static_cast<std::size_t>(document);
  return history_.delivered[at] >= 0 || history_.is_opened[at];
}

void Books::wait(int document, const std::string& awaited) {
  if (awaited.starts_with("period/")) {
    held_.insert(document);
    return;
  }
  if (awaited == ledger::kAwaitsIntercompany) return;  // no policy changes here; the invoice that it also waits for may
  const int other = document_in(awaited);
  if (other < 0) {
    failure_ = fmt::format("{} waits for {}", describe(document), awaited);
    return;
  }
  waiters_[other].insert(document);
}

void Books::wake(const std::string& moved) {
  const auto found = waiters_.find(document_in(moved));
  if (found == waiters_.end()) return;
  woken_.insert(found->second.begin(), found->second.end());
  waiters_.erase(found);
}

Status Books::post(storage::Connection& connection, ledger::Books& books, int document, bool is_wrong) {
  const documents::Document built = build(document, is_wrong);
  BERTH_CHECK(ledger::load_document(connection, built, books));
  const bool was_posted = !books.live.empty();
  const ledger::Planned planned = ledger::plan(built, books);
  ++counts_.planned;
  if (is_wrong) {
    const std::string reason = planned.refusal ? planned.refusal->reason : "nothing";
    const bool is_payment = std::holds_alternative<documents::CustomerPayment>(built);
    const bool is_opening = world_.documents()[static_cast<std::size_t>(document)].opening.has_value();
    const std::string wanted = is_payment ? "ledger.payment_totals" : is_opening ? "ledger.opening_changed" : "ledger.totals";
    if (reason != wanted) failure_ = fmt::format("a wrong total is refused with {}, not {}: {}", reason, wanted, describe(document));
    return success();
  }
  if (planned.refusal) {
    ++counts_.refusals;
    refused_[document] = planned.refusal->reason + ": " + planned.refusal->message;
    const bool is_locked = planned.refusal->reason == "ledger.period_locked";
    if (is_locked) ++counts_.locked;
    if (is_locked && planned.refusal->consequence == ledger::Consequence::kSkipped) {
      ++counts_.skipped;
      held_.insert(document);
    } else if (planned.refusal->consequence != ledger::Consequence::kParked)
      failure_ = fmt::format("{} is refused: {}", describe(document), refused_[document]);
    for (const std::string& awaited : planned.refusal->waits_for) wait(document, awaited);
    return success();
  }
  refused_.erase(document);
  held_.erase(document);
  history_.accepted[static_cast<std::size_t>(document)].push_back(history_.delivered[static_cast<std::size_t>(document)]);
  const Kind kind = world_.documents()[static_cast<std::size_t>(document)].kind;
  ledger::CommitContext context;
  context.integration = kIntegration;
  context.source = documents::source_of(built);
  context.local_id = fmt::format("{}{}", prefix_of(kind), document);
  context.number = std::to_string(document);
  context.rules_revision = "rules1";
  context.now = kNow;
  const ledger::Committed committed = BERTH_TRY(ledger::commit(connection, *planned.plan, context));
  counts_.entries += committed.entries.size();
  counts_.reversals += planned.plan->reversals.size();
  counts_.waiting_shares += planned.plan->pending.size();
  if (options_.checks_each) {
    for (const auto& finding : BERTH_TRY(ledger::check_touched(connection, ledger::Touched::by(committed))))
      failure_ = fmt::format("{}: {} after {}", finding.invariant, finding.message, describe(document));
  }
  for (const std::string& awaited : planned.plan->pending) wait(document, awaited);
  if (!was_posted || !committed.entries.empty()) wake(fmt::format("{}/{}", context.source.entity, document));
  for (const std::string& moved : committed.moved) wake(moved);
  for (const std::string& again : committed.replan) woken_.insert(document_in(again));
  return success();
}

/// As `berth ledger opening import` does it, for one invoice.
Status Books::bring_in(storage::Connection& connection, int document) {
  const Document& from = world_.documents()[static_cast<std::size_t>(document)];
  const Version& version = from.versions.front();
  ledger::OpeningReceivable opening;
  opening.invoice = std::to_string(document);
  opening.number = fmt::format("INV-{}", document);
  opening.customer = fmt::format("cus_{}", version.customer);
  opening.company = kCompanies[static_cast<std::size_t>(version.company)];
  opening.open = Money(from.opening->open, currency_of(version.currency));
  opening.base = Money(from.opening->base, currency_of(kUsd));
  opening.date = date_of(from.opening->day);
  const ledger::PostedOpening posted =
      BERTH_TRY(ledger::post_opening(connection, opening, context_, fmt::format("inv_{}", document), kNow));
  counts_.entries += posted.committed.entries.size();
  ++counts_.openings;
  if (!posted.is_new) failure_ = fmt::format("the opening of {} posts nothing", describe(document));
  if (options_.checks_each) {
    for (const auto& finding : BERTH_TRY(ledger::check_touched(connection, ledger::Touched::by(posted.committed))))
      failure_ = fmt::format("{}: {} after the opening of {}", finding.invariant, finding.message, describe(document));
  }
  history_.is_opened[static_cast<std::size_t>(document)] = true;
  wake(fmt::format("invoice/{}", document));
  return success();
}

Status Books::close(storage::Connection& connection, ledger::Books& books, const Step& step) {
  const auto last = BERTH_TRY(connection.first("SELECT last FROM ledger_counter WHERE name = 'entry'", {}));
  const ledger::Month month{2026, step.month};
  for (int i = 0; i < static_cast<int>(std::size(kCompanies)); ++i) {
    const std::string id(kCompanies[i]);
    if (step.opens) {
      BERTH_TRY(ledger::open_period(connection, id, month));
      books.closed[id].erase(month);
    } else {
      BERTH_TRY(ledger::close_period(connection, id, month, kNow, "test"));
      books.closed[id].insert(month);
    }
  }
  closings_.push_back({last->integer(0), step.month, !step.opens});
  return success();
}

Status Books::step(storage::Connection& connection, ledger::Books& books, const Step& step) {
  log_.push_back(step);
  if (step.document < 0) return close(connection, books, step);
  const auto document = static_cast<std::size_t>(step.document);
  const std::size_t count = std::max(history_.delivered.size(), world_.documents().size());
  history_.delivered.resize(count, -1);
  history_.is_opened.resize(count, false);
  history_.accepted.resize(count);
  if (step.is_opening) return bring_in(connection, step.document);
  if (step.is_wrong) {
    const int last = history_.delivered[document];
    // What is not open posts nothing, so nobody adds it up.
    if (last < 0 || world_.documents()[document].versions[static_cast<std::size_t>(last)].state != State::kOpen) return success();
    // Of an opening receivable only a total that was seen can be another one.
    const bool is_seen = !history_.accepted[document].empty() && !refused_.contains(step.document);
    if (world_.documents()[document].opening && !is_seen) return success();
  }
  if (step.version >= 0) history_.delivered[document] = step.version;
  if (history_.delivered[document] < 0) return success();
  return post(connection, books, step.document, step.is_wrong);
}

std::string Books::run(std::vector<Step> steps) {
  for (std::size_t done = 0; done < steps.size() && failure_.empty();) {
    const std::size_t end = std::min(steps.size(), done + options_.transaction);
    const Status status = database_->write("test.write", [&](storage::Connection& c) -> Status {
      ledger::Books books = BERTH_TRY(ledger::load_common(c, context_));
      for (; done < end && failure_.empty(); ++done) {
        if (const Status stepped = step(c, books, steps[done]); !stepped.ok()) {
          failure_ = fmt::format("{} after {}", text_of(stepped), describe(std::max(0, steps[done].document)));
          return stepped;
        }
      }
      return success();
    });
    if (!status.ok() && failure_.empty()) failure_ = text_of(status);
  }
  return failure_;
}

std::string Books::settle(bool is_final) {
  const std::size_t limit = counts_.planned + kAgainMax * (history_.delivered.size() + 10);
  while (failure_.empty() && !woken_.empty()) {
    std::vector<Step> again;
    for (const int document : woken_) {
      if (history_.delivered[static_cast<std::size_t>(document)] >= 0) again.push_back({document});
    }
    woken_.clear();
    counts_.again += again.size();
    run(std::move(again));
    if (counts_.planned > limit) failure_ = "the books do not come to rest";
  }
  if (failure_.empty() && is_final && !refused_.empty())
    failure_ = fmt::format("{} documents wait for ever; the first: {}: {}", refused_.size(), describe(refused_.begin()->first),
                           refused_.begin()->second);
  return failure_;
}

void Books::retry_held() {
  woken_.insert(held_.begin(), held_.end());
  held_.clear();
}

std::string Books::check_all() {
  std::string text;
  const Status status = database_->read([&](storage::Connection& c) -> Status {
    for (const auto& finding : BERTH_TRY(ledger::check(c))) text += finding.invariant + ": " + finding.message + "\n";
    return success();
  });
  return text + text_of(status);
}

Nets Books::nets() {
  Nets nets;
  (void)database_->read([&](storage::Connection& c) -> Status {
    for (const auto& row : BERTH_TRY(ledger::trial_balance(c))) {
      if (!row.net().is_zero()) nets[row.company + " " + row.account] = row.net().as_money()->minor();
    }
    return success();
  });
  return nets;
}

std::string Books::export_to(ledger::ExportFormat format, const std::filesystem::path& file) {
  std::ofstream out(file, std::ios::binary);
  const Status status = database_->read([&](storage::Connection& c) {
    return ledger::export_journal(c, format, {context_.companies, {}, ledger::EntryOrder::kRecording},
                                  [&](std::string_view piece) { return static_cast<bool>(out.write(piece.data(), static_cast<std::streamsize>(piece.size()))); });
  });
  return text_of(status);
}

}  // namespace berth::property
