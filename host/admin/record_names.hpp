#pragma once
// The look-up of documents by name is that of runs/record_names.hpp; the views of this folder say it without a prefix.
#include "host/runs/record_names.hpp"

namespace berth::admin {

using runs::find_document;
using runs::kBodiesReadMax;
using runs::NamedDocument;

}  // namespace berth::admin
