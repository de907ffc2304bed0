//! An authority of the tests' own, and certificates that it signs, in files.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, date_time_ymd,
};

/// The names that our servers go by.
pub const HERE: [&str; 2] = ["localhost", "127.0.0.1"];

/// A directory with the authority's certificate and others, gone with it.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    dir: PathBuf,
}

impl Authority {
    pub fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::SeqCst);
        let dir = std::env::temp_dir().join(format!("chinwag-tls-it-{}-{number}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, format!("authority {number}"));
        let key = KeyPair::generate().unwrap();
        fs::write(dir.join("ca.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
        Self { issuer: Issuer::new(params, key), dir }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    pub fn ca(&self) -> PathBuf {
        self.path("ca.pem")
    }

    /// A client's whose subject has these words in it.
    pub fn client_named(&self, name: &str, organization: &str) -> Identity {
        self.certify("client", &[name], |params| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
            params.distinguished_name = DistinguishedName::new();
            params.distinguished_name.push(DnType::OrganizationName, organization);
            params.distinguished_name.push(DnType::CommonName, name);
        })
    }

    /// A server's certificate and key for `names`, in new files.
    pub fn server(&self, names: &[&str]) -> Identity {
        self.certify("server", names, |params| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        })
    }

    pub fn client(&self, name: &str) -> Identity {
        self.certify("client", &[name], |params| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        })
    }

    /// One that is good until the beginning of this day, in the file that others have.
    pub fn server_until(&self, day: SystemTime) -> Identity {
        let date = humantime::format_rfc3339_seconds(day).to_string();
        let mut parts = date[..10].split('-').map(|part| part.parse::<i32>().unwrap());
        let mut next = || parts.next().unwrap();
        let (year, month, day) = (next(), next() as u8, next() as u8);
        self.certify("server", &HERE, |params| params.not_after = date_time_ymd(year, month, day))
    }

    /// One that was good for a year.
    pub fn expired(&self) -> Identity {
        self.certify("expired", &HERE, |params| {
            params.not_before = date_time_ymd(2020, 1, 1);
            params.not_after = date_time_ymd(2021, 2, 3);
        })
    }

    /// One that will be good.
    pub fn early(&self) -> Identity {
        self.certify("early", &HERE, |params| params.not_before = date_time_ymd(2999, 1, 1))
    }

    fn certify(&self, role: &str, names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Identity {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let identity =
            Identity { cert: self.path(&format!("{role}.pem")), key: self.path(&format!("{role}.key")) };
        replace(&identity.cert, &certificate.pem());
        replace(&identity.key, &key.serialize_pem());
        identity
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// A certificate and its key, by their files.
pub struct Identity {
    pub cert: PathBuf,
    pub key: PathBuf,
}

impl Identity {
    /// As arguments of chat-server's.
    pub fn args(&self) -> [&str; 4] {
        ["--tls-cert", self.cert.to_str().unwrap(), "--tls-key", self.key.to_str().unwrap()]
    }
}

/// Writes a file as one should: beside it, then in its place.
fn replace(path: &Path, text: &str) {
    let new = path.with_extension("new");
    fs::write(&new, text).unwrap();
    #[cfg(unix)]
    fs::set_permissions(&new, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    fs::rename(new, path).unwrap();
}
