// Word lists of the generator; made up, no real company or person is meant.
#pragma once

namespace zoho_sim::names {

inline constexpr const char* kFirstWords[] = {
    "Alder",    "Birch",   "Cobalt",   "Delta",     "Ember",   "Fjord",   "Granite", "Harbor",  "Indigo", "Juniper",
    "Keystone", "Larch",   "Meridian", "Northgate", "Orchard", "Pioneer", "Quarry",  "Redwood", "Summit", "Tidewater",
    "Umber",    "Vantage", "Willow",   "Yarrow",    "Zenith",  "Bracken", "Copper",  "Drift",   "Elm",    "Flint"};
inline constexpr const char* kSecondWords[] = {
    "Instruments", "Logistics", "Foods",   "Software", "Textiles", "Marine",   "Clinics",   "Robotics",
    "Printing",    "Energy",    "Studios", "Optics",   "Tools",    "Bakeries", "Analytics", "Furniture"};
inline constexpr const char* kSuffixes[] = {"LLC", "Inc.", "Co.", "Group", "Partners"};
inline constexpr const char* kGivenNames[] = {"Ada",  "Bruno",  "Carla", "Dmitri", "Elena", "Farid", "Greta",
                                              "Hugo", "Ingrid", "Jonas", "Kaya",   "Liam",  "Mona",  "Nils",
                                              "Olga", "Pavel",  "Rosa",  "Søren",  "Tara",  "Zoë"};
inline constexpr const char* kFamilyNames[] = {"Abbott", "Bergström", "Castillo", "Dvořák", "Eriksen", "Ferreira",
                                               "Grant",  "Halvorsen", "Ito",      "Jansen", "Keller",  "Lindqvist",
                                               "Moreau", "Novak",     "O'Brien",  "Petrov"};
inline constexpr const char* kStreets[] = {"Main Street",    "Harbor Road", "Mill Lane",
                                           "Station Avenue", "Park Row",    "Chestnut Street"};

struct Place {
  const char* city;
  const char* state;
  const char* state_code;
  const char* zip;
  const char* country;
  const char* country_code;
};
inline constexpr Place kPlacesHome[] = {
    {"New York", "New York", "NY", "10001", "U.S.A", "US"}, {"Boston", "Massachusetts", "MA", "02108", "U.S.A", "US"},
    {"Chicago", "Illinois", "IL", "60601", "U.S.A", "US"},  {"Austin", "Texas", "TX", "73301", "U.S.A", "US"},
    {"Portland", "Oregon", "OR", "97201", "U.S.A", "US"},   {"Toronto", "Ontario", "ON", "M5H 2N2", "Canada", "CA"},
    {"London", "", "", "EC1A 1BB", "United Kingdom", "GB"}};
inline constexpr Place kPlacesEuro[] = {{"Berlin", "", "", "10115", "Germany", "DE"},
                                        {"Lyon", "", "", "69001", "France", "FR"},
                                        {"Malmö", "", "", "211 22", "Sweden", "SE"},
                                        {"Porto", "", "", "4000-008", "Portugal", "PT"}};

struct Product {
  const char* name;
  const char* unit;
  const char* type;
};
inline constexpr Product kProducts[] = {
    {"Flow meter", "pcs", "goods"},       {"Pressure sensor", "pcs", "goods"}, {"Control valve", "pcs", "goods"},
    {"Cable set", "box", "goods"},        {"Consulting", "hrs", "service"},    {"Support plan", "month", "service"},
    {"Implementation", "day", "service"}, {"Training", "hrs", "service"},      {"Licence", "seat", "digital_service"}};

inline constexpr const char* kLocations[] = {"New York", "Boston", "Chicago", "Austin", "Head Office"};
inline constexpr const char* kServiceLines[] = {"Consulting", "Support", "Implementation"};

}  // namespace zoho_sim::names
