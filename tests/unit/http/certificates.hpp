#pragma once
// Certificates made for one test, in a folder of their own that goes with it.
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

namespace berth::test {

struct Deleter {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(X509_EXTENSION* extension) const { X509_EXTENSION_free(extension); }
  void operator()(std::FILE* file) const { std::fclose(file); }
};
template <class T>
using Owned = std::unique_ptr<T, Deleter>;

/// A key with its certificate, as PEM files.
struct Identity {
  Owned<EVP_PKEY> key;
  Owned<X509> certificate;
  std::string key_file;
  std::string certificate_file;
};

class Certificates {
 public:
  Certificates() {
    auto folder = (std::filesystem::temp_directory_path() / "berth-certificates-XXXXXX").string();
    if (::mkdtemp(folder.data()) == nullptr) std::abort();
    folder_ = folder;
  }
  ~Certificates() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  Certificates(const Certificates&) = delete;
  Certificates& operator=(const Certificates&) = delete;

  /// `names`: "DNS:localhost,IP:127.0.0.1", or empty for an authority. Without an issuer it signs itself. Valid from
  /// an hour ago until `seconds` from now.
  Identity make(const std::string& name, const std::string& names, const Identity* issuer, long seconds = 3'600) const {
    Identity made;
    made.key.reset(EVP_EC_gen("P-256"));
    made.certificate.reset(X509_new());
    auto* certificate = made.certificate.get();
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial_);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -7'200);
    X509_gmtime_adj(X509_getm_notAfter(certificate), seconds);
    X509_set_pubkey(certificate, made.key.get());
    auto* subject = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name.c_str()), -1,
                               -1, 0);
    X509_set_issuer_name(certificate, issuer != nullptr ? X509_get_subject_name(issuer->certificate.get()) : subject);
    add(certificate, names.empty() ? NID_basic_constraints : NID_subject_alt_name,
        names.empty() ? "critical,CA:TRUE" : names);
    X509_sign(certificate, issuer != nullptr ? issuer->key.get() : made.key.get(), EVP_sha256());
    made.key_file = (folder_ / (std::to_string(serial_) + ".key")).string();
    made.certificate_file = (folder_ / (std::to_string(serial_) + ".pem")).string();
    const Owned<std::FILE> key_file(std::fopen(made.key_file.c_str(), "w"));
    PEM_write_PrivateKey(key_file.get(), made.key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    const Owned<std::FILE> certificate_file(std::fopen(made.certificate_file.c_str(), "w"));
    PEM_write_X509(certificate_file.get(), certificate);
    return made;
  }

 private:
  static void add(X509* certificate, int kind, const std::string& value) {
    const Owned<X509_EXTENSION> extension(X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str()));
    X509_add_ext(certificate, extension.get(), -1);
  }
  std::filesystem::path folder_;
  mutable long serial_ = 0;
};

}  // namespace berth::test
