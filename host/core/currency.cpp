#include <fmt/format.h>

#include <string_view>

#include "host/core/decimal.hpp"
#include "host/core/text.hpp"

namespace berth {
namespace {

// ISO 4217, list one, by digits of the minor unit. Left out are the codes without a minor unit (metals, bond units,
// test codes). The last line keeps codes withdrawn in recent years, because documents of their time still name them.
constexpr std::string_view kScale0 = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF ";
constexpr std::string_view kScale3 = "BHD IQD JOD KWD LYD OMR TND ";
constexpr std::string_view kScale4 = "CLF UYW ";
constexpr std::string_view kScale2 =
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW "
    "CNY "
    "COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS "
    "INR "
    "IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN "
    "NAD "
    "NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC "
    "SYP "
    "SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG "
    "ANG CUC HRK SLL ZWL ";

bool lists(std::string_view codes, std::string_view code) {
  for (std::size_t at = 0; at + 3 < codes.size(); at += 4) {
    if (codes.substr(at, 3) == code) return true;
  }
  return false;
}

}  // namespace

Result<Currency> Currency::of(std::string_view code) {
  int scale = -1;
  if (lists(kScale2, code)) scale = 2;
  if (lists(kScale0, code)) scale = 0;
  if (lists(kScale3, code)) scale = 3;
  if (lists(kScale4, code)) scale = 4;
  if (scale < 0) {
    return make_error(Code::kBadResponse, "ledger.currency_unknown",
                      fmt::format("\"{}\" is not a currency code of ISO 4217", shortened(code, 20)));
  }
  Currency currency;
  code.copy(currency.code_, 3);
  currency.scale_ = scale;
  return currency;
}

}  // namespace berth
