//! Which next links may be followed.
//!
//! A next link is opaque: it is followed as it came. It is also text from outside that decides
//! where a bearer token goes, so it must lead to the same Graph and the same version.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use crate::error::PagingRefusal;

/// Longer links are refused.
const LONGEST: usize = 32 * 1024;

/// The address of one version of one Microsoft Graph, such as `https://graph.microsoft.com/beta`.
#[derive(Debug, Clone)]
pub(crate) struct VersionRoot {
    root: Url,
    /// The root's path with a closing slash.
    prefix: String,
}

impl VersionRoot {
    /// `graph` has no query and no fragment; the options and the clouds see to that.
    pub(crate) fn new(graph: &Url, version: &str) -> Self {
        let prefix = format!("{}/{version}/", graph.path().trim_end_matches('/'));
        let mut root = graph.clone();
        root.set_path(&prefix);
        Self { root, prefix }
    }

    /// The address of a collection. `path` begins with a slash.
    pub(crate) fn address(&self, path: &str, query: &str) -> Url {
        let mut url = self.root.clone();
        url.set_path(&format!("{}{path}", self.prefix.trim_end_matches('/')));
        url.set_query((!query.is_empty()).then_some(query));
        url
    }

    /// The address of a collection under the object `id`, where `path` has a placeholder in braces.
    /// `None` when the id has no form that could stand in a path.
    pub(crate) fn address_under(&self, path: &str, id: &str, query: &str) -> Option<Url> {
        let (before, rest) = path.split_once('{')?;
        let (_, after) = rest.split_once('}')?;
        let id = segment(id)?;
        Some(self.address(&format!("{before}{id}{after}"), query))
    }

    /// An address under this root as a batch names it: relative to the root.
    pub(crate) fn relative(&self, url: &Url) -> Option<String> {
        let path = url.path().strip_prefix(self.prefix.as_str())?;
        let query = url.query().map(|query| format!("?{query}"));
        Some(format!("/{path}{}", query.unwrap_or_default()))
    }

    /// Takes a next link that leads to this same root.
    ///
    /// # Errors
    /// [`PagingRefusal::Foreign`] when it leads elsewhere or is no link at all.
    pub(crate) fn follow(&self, link: &str) -> Result<Url, PagingRefusal> {
        if link.len() > LONGEST {
            return Err(PagingRefusal::Foreign);
        }
        let url = Url::parse(link).map_err(|_| PagingRefusal::Foreign)?;
        let same = url.scheme() == self.root.scheme()
            && url.host() == self.root.host()
            && url.port_or_known_default() == self.root.port_or_known_default()
            && url.username().is_empty()
            && url.password().is_none()
            && url.path().starts_with(&self.prefix);
        if same {
            Ok(url)
        } else {
            Err(PagingRefusal::Foreign)
        }
    }
}

/// An id as one segment of a path: everything but RFC 3986's unreserved characters is encoded, so
/// that it can lead to no other address. `None` for ids that are empty or nothing but dots, which
/// mean other segments even when they are encoded.
pub(crate) fn segment(id: &str) -> Option<Cow<'_, str>> {
    const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'.')
        .remove(b'_')
        .remove(b'~');

    if id.bytes().all(|byte| byte == b'.') {
        return None;
    }
    Some(utf8_percent_encode(id, RESERVED).into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn root() -> VersionRoot {
        VersionRoot::new(&Url::parse("https://graph.microsoft.com").unwrap(), "beta")
    }

    #[test]
    fn addresses_keep_dollar_signs_and_a_base_path() {
        assert_eq!(
            root()
                .address("/deviceManagement/intents", "$expand=assignments&$top=1000")
                .as_str(),
            "https://graph.microsoft.com/beta/deviceManagement/intents?$expand=assignments&$top=1000"
        );
        let under = VersionRoot::new(&Url::parse("http://localhost:1/graph/").unwrap(), "v1.0");
        assert_eq!(
            under.address("/groups", "").as_str(),
            "http://localhost:1/graph/v1.0/groups"
        );
    }

    #[test]
    fn a_parents_id_cannot_change_the_path() {
        let path = "/deviceManagement/depOnboardingSettings/{id}/enrollmentProfiles";
        assert_eq!(
            root()
                .address_under(path, "0a_1", "")
                .map(String::from)
                .as_deref(),
            Some(
                "https://graph.microsoft.com/beta/deviceManagement/depOnboardingSettings/0a_1/enrollmentProfiles"
            )
        );
        let url = root().address_under(path, "0a_1", "$top=5").unwrap();
        assert_eq!(
            root().relative(&url).as_deref(),
            Some("/deviceManagement/depOnboardingSettings/0a_1/enrollmentProfiles?$top=5")
        );
        for (id, encoded) in [
            ("YWJj=", "YWJj%3D"),
            ("a+b/c==", "a%2Bb%2Fc%3D%3D"),
            ("O'Brien", "O%27Brien"),
            ("a b", "a%20b"),
            ("a?b#c", "a%3Fb%23c"),
            ("%2e%2e", "%252e%252e"),
            ("../x", "..%2Fx"),
            ("..\\x", "..%5Cx"),
            ("ä", "%C3%A4"),
        ] {
            let url = root().address_under(path, id, "").unwrap();
            assert_eq!(
                root().relative(&url).unwrap(),
                format!("/deviceManagement/depOnboardingSettings/{encoded}/enrollmentProfiles")
            );
        }
        for id in ["", ".", "..", "..."] {
            assert!(root().address_under(path, id, "").is_none(), "{id}");
        }
    }

    #[test]
    fn a_link_of_the_same_root_is_followed_unchanged() {
        for link in [
            "https://graph.microsoft.com/beta/deviceManagement/configurationPolicies?$expand=assignments&$top=25&$skiptoken=%255Bcosmosdb%255D%255B%257B%2522compositeToken%2522%253A%2522%252bRID%253A~x%2523%2522",
            "https://graph.microsoft.com/beta/users?$skiptoken=RFNwdAIAAQAAABg6dXNlckBleGFtcGxl+/=",
            "https://graph.microsoft.com/beta/a('b%20c')?x=%25%255b%5B",
        ] {
            assert_eq!(root().follow(link).unwrap().as_str(), link);
        }
    }

    #[test]
    fn a_link_elsewhere_is_refused() {
        for link in [
            "http://graph.microsoft.com/beta/users",
            "https://graph.microsoft.com:444/beta/users",
            "https://graph.microsoft.com.evil.example/beta/users",
            "https://evil.example/beta/users",
            "https://graph.microsoft.com@evil.example/beta/users",
            "https://user@graph.microsoft.com/beta/users",
            "https://user:pass@graph.microsoft.com/beta/users",
            "https://graph.microsoft.com/v1.0/users",
            "https://graph.microsoft.com/beta",
            "https://graph.microsoft.com/beta/../v1.0/users",
            "https://graph.microsoft.com/beta/%2e%2e/v1.0/users",
            "https://graph.microsoft.com/betax/users",
            "//evil.example/beta/users",
            "/beta/users",
            "",
            "javascript:alert(1)",
            "https:\\\\evil.example\\beta\\users",
        ] {
            assert!(
                matches!(root().follow(link), Err(PagingRefusal::Foreign)),
                "{link}"
            );
        }
        let long = format!("https://graph.microsoft.com/beta/a?{}", "x".repeat(LONGEST));
        assert!(root().follow(&long).is_err());
    }

    proptest! {
        #[test]
        fn whatever_the_id_it_is_one_segment_and_reads_back(
            id in prop_oneof![any::<String>(), "[./\\\\%2eE?#@:a ]{1,8}"],
        ) {
            let dots = id.bytes().all(|byte| byte == b'.');
            let url = root().address_under("/a/{id}/b", &id, "$top=1");
            prop_assert_eq!(url.is_none(), dots);
            if let Some(url) = url {
                // As it is sent: parsed again from its text.
                let url = Url::parse(url.as_str()).unwrap();
                prop_assert_eq!(url.host_str(), Some("graph.microsoft.com"));
                prop_assert_eq!((url.query(), url.fragment()), (Some("$top=1"), None));
                let segments: Vec<_> = url.path_segments().unwrap().collect();
                prop_assert_eq!(segments.len(), 4);
                prop_assert_eq!((segments[0], segments[1], segments[3]), ("beta", "a", "b"));
                let read = percent_encoding::percent_decode_str(segments[2]).decode_utf8();
                prop_assert_eq!(read.unwrap(), id);
                let relative = root().relative(&url).unwrap();
                prop_assert_eq!(relative, format!("/a/{}/b?$top=1", segments[2]));
            }
        }

        #[test]
        fn escaped_tokens_of_any_kind_survive(token in "(%25[0-9A-F]{2}|%[2-7][0-9A-F]|[A-Za-z0-9._~!*()+,;:@/?=&-]){0,200}") {
            let link = format!("https://graph.microsoft.com/beta/x?$skiptoken={token}");
            let followed = root().follow(&link).unwrap();
            prop_assert_eq!(followed.as_str(), link);
        }

        #[test]
        fn whatever_is_followed_stays_on_the_host_and_under_the_version(
            scheme in "https?|ftp",
            authority in "([a-z:@]{0,6}graph\\.microsoft\\.com[a-z:.0-9]{0,5}|[a-z]{1,9}|[a-z.@:/\\\\%#?0-9-]{0,30})",
            path in "(beta/|v1\\.0/)?[a-z./\\\\%2eE@#?:-]{0,40}",
        ) {
            if let Ok(url) = root().follow(&format!("{scheme}://{authority}/{path}")) {
                prop_assert_eq!(url.scheme(), "https");
                prop_assert_eq!(url.host_str(), Some("graph.microsoft.com"));
                prop_assert_eq!(url.port(), None);
                prop_assert!(url.path().starts_with("/beta/"));
                prop_assert!(url.username().is_empty() && url.password().is_none());
            }
        }
    }
}
