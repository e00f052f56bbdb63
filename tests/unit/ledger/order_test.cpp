// I9: whatever the order in which versions of documents arrive, and however often, the books end up the same. What they
// should be is computed a second time, slowly and obviously, from the last version of each document.
#include <random>

#include "unit/ledger/fixture.hpp"

namespace berth::ledger::testing {
namespace {

using Cents = std::int64_t;

std::string text_of(Cents cents) {
  return Money(cents, usd()).to_string();
}

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  Cents between(Cents low, Cents high) {
    return low + static_cast<Cents>(engine_() % static_cast<std::uint64_t>(high - low + 1));
  }
  bool chance(int percent) { return between(1, 100) <= percent; }
  template <class T>
  void shuffle(std::vector<T>& items) {
    for (std::size_t i = items.size(); i > 1; --i)
      std::swap(items[i - 1], items[static_cast<std::size_t>(between(0, static_cast<Cents>(i) - 1))]);
  }

 private:
  std::mt19937_64 engine_;
};

struct Share {
  std::string id, invoice;
  Cents amount = 0;
};
struct Version {
  std::string state = "open", company = "acme_us", customer = "cus_1";
  Cents net = 0, tax = 0;  // invoices and credit notes
  Cents amount = 0, charges = 0;
  std::vector<Share> shares;
  Cents refund = 0;
  Cents rate = 0;  // in thousandths: euros; 0: dollars
};
struct Document {
  std::string kind, id;
  std::vector<Version> versions;
  [[nodiscard]] const Version& last() const { return versions.back(); }
};

json::Value brief(const Document& document, const Version& version) {
  json::Value value = json::Value::object({{"kind", document.kind}, {"id", document.id}, {"state", version.state}});
  if (version.state != "open") return value;
  value.set("company", version.company);
  value.set("customer", version.customer);
  if (version.rate != 0) {
    value.set("currency", "EUR");
    value.set("rate", Decimal::from_minor(version.rate, 3).to_string());
  }
  json::Value shares = json::Value::array();
  Cents used = 0;
  for (const Share& share : version.shares) {
    shares.push_back(
        json::Value::object({{"id", share.id}, {"invoice", share.invoice}, {"amount", text_of(share.amount)}}));
    used += share.amount;
  }
  json::Value refunds = json::Value::array();
  if (version.refund != 0) {
    refunds.push_back(json::Value::object({{"id", "R" + document.id},
                                           {"date", "2026-05-09"},
                                           {"mode", "Bank Main"},
                                           {"amount", text_of(version.refund)}}));
  }
  if (document.kind == "customer_payment") {
    value.set("amount", text_of(version.amount));
    value.set("bank_charges", text_of(version.charges));
    value.set("unused", text_of(version.amount - used - version.refund));
    value.set("allocations", std::move(shares));
    value.set("refunds", std::move(refunds));
    return value;
  }
  json::Value lines = json::Value::array();
  lines.push_back(json::Value::object({{"amount", text_of(version.net)}}));
  json::Value taxes = json::Value::array();
  taxes.push_back(json::Value::object({{"tax", "T10"}, {"name", "VAT"}, {"amount", text_of(version.tax)}}));
  value.set("lines", std::move(lines));
  value.set("taxes", std::move(taxes));
  value.set("sub_total", text_of(version.net));
  value.set("tax_total", text_of(version.tax));
  value.set("total", text_of(version.net + version.tax));
  if (document.kind == "credit_note") {
    value.set("applications", std::move(shares));
    value.set("refunds", std::move(refunds));
  }
  return value;
}

/// Last versions agree with each other; versions before them need not.
std::vector<Document> make_documents(Random& random) {
  std::vector<Document> documents;
  std::map<std::string, Cents> room;
  std::map<std::string, bool> in_euros;
  const auto some_rate = [&](bool is_euro) { return is_euro ? random.between(1001, 1300) : 0; };
  const std::vector<std::string> companies{"acme_us", "acme_west"};
  const std::vector<std::string> customers{"cus_1", "cus_2"};
  const auto some_invoice = [&] {
    Version version;
    version.company = companies[static_cast<std::size_t>(random.between(0, 1))];
    version.customer = customers[static_cast<std::size_t>(random.between(0, 1))];
    version.net = random.between(1, 20000);
    version.tax = random.between(0, 2000);
    if (random.chance(50)) version.rate = random.between(1001, 1300);
    if (random.chance(15)) version.state = random.chance(50) ? "void" : "draft";
    return version;
  };
  const int invoices = 7;
  for (int i = 0; i < invoices; ++i) {
    Document document{"invoice", "I" + std::to_string(i), {}};
    for (Cents n = random.between(1, 3); n > 0; --n) document.versions.push_back(some_invoice());
    if (document.last().state == "open") room[document.id] = document.last().net + document.last().tax;
    in_euros[document.id] = document.last().rate != 0;
    documents.push_back(std::move(document));
  }
  int share_number = 0;
  const auto random_shares = [&](Cents amount) {
    std::vector<Share> shares;
    for (Cents n = random.between(0, 2); n > 0; --n) {
      const Cents part = random.between(0, amount);
      shares.push_back(
          {"S" + std::to_string(share_number++), "I" + std::to_string(random.between(0, invoices - 1)), part});
      amount -= part;
    }
    return shares;
  };
  for (int p = 0; p < 6; ++p) {
    Document document{"customer_payment", "P" + std::to_string(p), {}};
    for (Cents n = random.between(0, 2); n > 0; --n) {
      Version version;
      version.amount = random.between(1, 15000);
      version.shares = random_shares(version.amount);
      version.rate = some_rate(random.chance(50));
      document.versions.push_back(std::move(version));
    }
    Version last;
    last.customer = customers[static_cast<std::size_t>(random.between(0, 1))];
    last.amount = random.between(1, 15000);
    last.rate = some_rate(random.chance(60));
    if (random.chance(15)) last.state = "deleted";
    Cents left = last.amount;
    bool is_own_only = true;
    for (Cents n = random.between(0, 3); last.state == "open" && n > 0; --n) {
      const std::string invoice = "I" + std::to_string(random.between(0, invoices - 1));
      const Cents part = std::min(left, room[invoice]);
      if (part == 0 || in_euros[invoice] != (last.rate != 0)) continue;
      // The same row id as in an earlier version, where there is one: a row that changes.
      const bool is_reused =
          !document.versions.empty() && !document.versions.back().shares.empty() && last.shares.empty();
      last.shares.push_back(
          {is_reused ? document.versions.back().shares[0].id : "S" + std::to_string(share_number++), invoice, part});
      room[invoice] -= part;
      left -= part;
      for (const Document& other : documents)
        is_own_only = is_own_only && (other.id != invoice || other.last().company == "acme_us");
    }
    if (random.chance(30)) last.refund = random.between(0, left);
    if (is_own_only && random.chance(30)) last.charges = random.between(0, last.amount);
    document.versions.push_back(std::move(last));
    documents.push_back(std::move(document));
  }
  for (int c = 0; c < 3; ++c) {
    Document document{"credit_note", "C" + std::to_string(c), {}};
    const std::string invoice = "I" + std::to_string(random.between(0, invoices - 1));
    Version last = some_invoice();
    last.state = "open";
    for (const Document& other : documents) {
      if (other.id != invoice || other.last().state != "open") continue;
      last.company = other.last().company;
      last.customer = other.last().customer;
      last.rate = some_rate(in_euros[invoice]);
      const Cents part = std::min(room[invoice], last.net + last.tax);
      if (part > 0) last.shares.push_back({"X" + std::to_string(share_number++), invoice, part});
      room[invoice] -= part;
      last.refund = random.between(0, last.net + last.tax - part);
    }
    document.versions.push_back(last);
    if (random.chance(40)) document.versions.insert(document.versions.begin(), some_invoice());
    documents.push_back(std::move(document));
  }
  return documents;
}

/// a × b ÷ c, half away from zero, by hand; all are positive.
Cents scaled(Cents a, Cents b, Cents c) {
  return c == 0 ? 0 : (2 * a * b + c) / (2 * c);
}

/// Nets in base by "company account", and what is open of each open invoice: added up document by document, no engine. In
/// euros an item that was opened with (total, base) and of which `used` is gone is carried at base − base × used ÷ total;
/// what is left over in a company is its exchange difference.
struct Expected {
  std::map<std::string, Cents> nets;
  std::map<std::string, std::string> open;
};
struct Opened {
  std::string company;
  Cents total = 0;
  Cents base = 0;
  Cents used = 0;
  Cents rate = 0;
  [[nodiscard]] Cents carried() const { return base - scaled(base, used, total); }
};
Expected compute(const std::vector<Document>& documents) {
  Expected expected;
  std::map<std::string, Opened> invoices;
  const auto base_of = [](const Version& version, Cents amount) {
    return version.rate == 0 ? amount : scaled(amount, version.rate, 1000);
  };
  for (const Document& document : documents) {
    const Version& last = document.last();
    if (document.kind != "invoice" || last.state != "open") continue;
    const Cents total = last.net + last.tax;
    invoices[document.id] = {last.company, total, base_of(last, total), 0, last.rate};
    expected.nets[last.company + " sales"] -= base_of(last, last.net);
    expected.nets[last.company + " tax_10"] -= base_of(last, last.tax);
    expected.nets[last.company + " rounding"] += base_of(last, last.net) + base_of(last, last.tax) - base_of(last, total);
  }
  for (const Document& document : documents) {
    const Version& last = document.last();
    if (last.state != "open" || document.kind == "invoice") continue;
    for (const Share& share : last.shares) invoices.at(share.invoice).used += share.amount;
    if (document.kind == "credit_note") {
      const Cents total = last.net + last.tax;
      Opened note{last.company, total, base_of(last, total), last.refund, last.rate};
      for (const Share& share : last.shares) note.used += share.amount;
      expected.nets[last.company + " returns"] += base_of(last, last.net);
      expected.nets[last.company + " tax_10"] += base_of(last, last.tax);
      expected.nets[last.company + " rounding"] -= base_of(last, last.net) + base_of(last, last.tax) - base_of(last, total);
      expected.nets[last.company + " ar"] -= note.carried();
      expected.nets[last.company + " bank_main"] -= base_of(last, last.refund);
      continue;
    }
    std::map<std::string, Opened> credits;
    Cents rest = last.amount;
    for (const Share& share : last.shares) {
      const std::string& company = invoices.at(share.invoice).company;
      credits[company].used += share.amount;
      if (company == "acme_us") continue;
      credits[company].total += share.amount;
      rest -= share.amount;
    }
    credits["acme_us"].total = rest;
    credits["acme_us"].used += last.refund;
    Cents done = 0;
    Cents base_done = 0;
    for (auto& [company, credit] : credits) {
      const Cents charge = company == "acme_us" ? last.charges : 0;
      done += credit.total;
      credit.base = scaled(base_of(last, last.amount), done, last.amount) - base_done;
      base_done += credit.base;
      const Cents cash = base_of(last, credit.total - charge);
      expected.nets[company + " undeposited"] += cash;
      expected.nets[company + " bankfees"] += base_of(last, charge);
      expected.nets[company + " rounding"] += credit.base - cash - base_of(last, charge);
      expected.nets[company + " credits"] -= credit.carried();
    }
    expected.nets["acme_us bank_main"] -= base_of(last, last.refund);
  }
  for (const auto& [id, invoice] : invoices) {
    expected.nets[invoice.company + " ar"] += invoice.carried();
    expected.open[id] = text_of(invoice.total - invoice.used);
    if (invoice.rate != 0) expected.open[id] = fmt::format("EUR {} = USD {}", expected.open[id], text_of(invoice.carried()));
  }
  std::map<std::string, Cents> left;
  for (const auto& [account, net] : expected.nets) left[account.substr(0, account.find(' '))] -= net;
  for (const auto& [company, net] : left) expected.nets[company + " fx_realised"] = net;
  std::erase_if(expected.nets, [](const auto& entry) { return entry.second == 0; });
  return expected;
}

void deliver(Fixture& fixture, const std::vector<Document>& documents, Random& random) {
  std::vector<std::size_t> deliveries;
  for (std::size_t i = 0; i < documents.size(); ++i)
    deliveries.insert(deliveries.end(), documents[i].versions.size() + 1, i);  // one twice
  random.shuffle(deliveries);
  std::vector<std::size_t> arrived(documents.size(), 0);
  for (const std::size_t i : deliveries) {
    const Document& document = documents[i];
    arrived[i] = std::min(arrived[i] + 1, document.versions.size());
    fixture.post(brief(document, document.versions[arrived[i] - 1]));
  }
  // What waits is applied again until nothing moves, as the run engine does with woken records.
  std::vector<std::size_t> all(documents.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
  for (int round = 0; round < 12; ++round) {
    random.shuffle(all);
    std::string waiting;
    bool moved = false;
    for (const std::size_t i : all) {
      const Posted posted = fixture.post(brief(documents[i], documents[i].last()));
      moved = moved || !posted.entries.empty();
      if (posted.planned.refusal) waiting += posted.planned.refusal->message + "\n";
    }
    if (!moved) {
      CHECK_MESSAGE(waiting.empty(), waiting);
      return;
    }
  }
  FAIL_CHECK("the books do not come to rest");
}

std::string shown(const std::map<std::string, Cents>& nets) {
  std::string text;
  for (const auto& [account, net] : nets) text += fmt::format("\n  {} {}", account, text_of(net));
  return text;
}

TEST_CASE("I9: shuffled and repeated versions give the balances and open items of the last versions") {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    CAPTURE(seed);
    Random random(seed);
    const std::vector<Document> documents = make_documents(random);
    const Expected expected = compute(documents);
    for (int order = 0; order < 2; ++order) {
      CAPTURE(order);
      Fixture fixture;
      deliver(fixture, documents, random);
      std::map<std::string, Cents> nets;
      for (const Balance& row :
           fixture.read<std::vector<Balance>>([](storage::Connection& c) { return trial_balance(c); })) {
        if (!row.net().is_zero()) nets[row.company + " " + row.account] = row.net().as_money()->minor();
      }
      CHECK(shown(nets) == shown(expected.nets));
      for (const Document& document : documents) {
        if (document.kind != "invoice") continue;
        const auto open = expected.open.find(document.id);
        CHECK(fixture.open_of("invoice", document.id) == (open == expected.open.end() ? "not posted" : open->second));
      }
      fixture.check_sound();
    }
  }
}

}  // namespace
}  // namespace berth::ledger::testing
