//! stub
#![allow(missing_docs)]
#[derive(Clone)]
pub struct Name(String);
#[derive(Debug)]
pub struct NameError;
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct NameKey(String);
impl Name {
    pub fn parse(s: &str) -> Result<Self, NameError> {
        Ok(Name(s.trim().into()))
    }
    pub fn key(&self) -> NameKey {
        NameKey(self.0.to_lowercase())
    }
}
impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
impl std::fmt::Display for NameError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("bad")
    }
}
