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
  const std::vector<std::string> companies{"acme_us", "acme_west"};
  const std::vector<std::string> customers{"cus_1", "cus_2"};
  const auto some_invoice = [&] {
    Version version;
    version.company = companies[static_cast<std::size_t>(random.between(0, 1))];
    version.customer = customers[static_cast<std::size_t>(random.between(0, 1))];
    version.net = random.between(1, 20000);
    version.tax = random.between(0, 2000);
    if (random.chance(15)) version.state = random.chance(50) ? "void" : "draft";
    return version;
  };
  const int invoices = 7;
  for (int i = 0; i < invoices; ++i) {
    Document document{"invoice", "I" + std::to_string(i), {}};
    for (Cents n = random.between(1, 3); n > 0; --n) document.versions.push_back(some_invoice());
    if (document.last().state == "open") room[document.id] = document.last().net + document.last().tax;
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
      document.versions.push_back(std::move(version));
    }
    Version last;
    last.customer = customers[static_cast<std::size_t>(random.between(0, 1))];
    last.amount = random.between(1, 15000);
    if (random.chance(15)) last.state = "deleted";
    Cents left = last.amount;
    bool is_own_only = true;
    for (Cents n = random.between(0, 3); last.state == "open" && n > 0; --n) {
      const std::string invoice = "I" + std::to_string(random.between(0, invoices - 1));
      const Cents part = std::min(left, room[invoice]);
      if (part == 0) continue;
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

/// Nets by "company account", and what is open of each open invoice: added up document by document, no engine.
struct Expected {
  std::map<std::string, Cents> nets;
  std::map<std::string, Cents> open;
};
Expected compute(const std::vector<Document>& documents) {
  Expected expected;
  std::map<std::string, std::string> company_of;
  for (const Document& document : documents) {
    const Version& last = document.last();
    if (document.kind != "invoice" || last.state != "open") continue;
    company_of[document.id] = last.company;
    expected.open[document.id] = last.net + last.tax;
    expected.nets[last.company + " ar"] += last.net + last.tax;
    expected.nets[last.company + " sales"] -= last.net;
    expected.nets[last.company + " tax_10"] -= last.tax;
  }
  for (const Document& document : documents) {
    const Version& last = document.last();
    if (last.state != "open" || document.kind == "invoice") continue;
    for (const Share& share : last.shares) expected.open[share.invoice] -= share.amount;
    if (document.kind == "credit_note") {
      expected.nets[last.company + " returns"] += last.net;
      expected.nets[last.company + " tax_10"] += last.tax;
      expected.nets[last.company + " ar"] -= last.net + last.tax - last.refund;
      expected.nets[last.company + " bank_main"] -= last.refund;
      continue;
    }
    Cents unused = last.amount;
    for (const Share& share : last.shares) {
      expected.nets[company_of.at(share.invoice) + " undeposited"] += share.amount;
      expected.nets[company_of.at(share.invoice) + " ar"] -= share.amount;
      unused -= share.amount;
    }
    expected.nets["acme_us undeposited"] += unused - last.charges;
    expected.nets["acme_us bankfees"] += last.charges;
    expected.nets["acme_us credits"] -= unused - last.refund;
    expected.nets["acme_us bank_main"] -= last.refund;
  }
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

TEST_CASE("I9: shuffled and repeated versions give the balances and open items of the last versions") {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
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
        if (!row.net().is_zero()) nets[row.company + " " + row.account] = row.net().minor();
      }
      CHECK(nets == expected.nets);
      std::map<std::string, Cents> open;
      for (const Receivable& row :
           fixture.read<std::vector<Receivable>>([](storage::Connection& c) { return receivables(c, kIntegration); })) {
        open[row.remote_id] = row.open.minor();
      }
      CHECK(open == expected.open);
      fixture.check_sound();
    }
  }
}

}  // namespace
}  // namespace berth::ledger::testing
