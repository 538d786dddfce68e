//! Who asks, and the matcher that keeps a tenant to its own series.

mod certificate;

use axum::http::HeaderMap;
use model::matcher::Matcher;
use promql::ast::{Expr, VectorSelector};

pub use certificate::CertificateField;

/// Header that names the tenant within Thanos, taken beside a configured one.
pub const DEFAULT_TENANT_HEADER: &str = "THANOS-TENANT";

/// How tenants are told apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenancyConfig {
    /// `--query.tenant-header`.
    pub header: String,
    /// `--query.default-tenant-id`.
    pub default_tenant: String,
    /// `--query.tenant-certificate-field`: the field of the client's certificate that names the tenant in place of headers.
    pub certificate_field: Option<CertificateField>,
    /// `--query.enforce-tenancy`.
    pub enforce: bool,
    /// `--query.tenant-label-name`.
    pub label: String,
}

impl Default for TenancyConfig {
    fn default() -> Self {
        TenancyConfig {
            header: DEFAULT_TENANT_HEADER.to_owned(),
            default_tenant: "default-tenant".to_owned(),
            certificate_field: None,
            enforce: false,
            label: "tenant_id".to_owned(),
        }
    }
}

impl TenancyConfig {
    /// The tenant of a request with these headers and this certificate (DER) of the client. An error when the name would be a path,
    /// or when the certificate has none.
    pub fn tenant(&self, headers: &HeaderMap, certificate: Option<&[u8]>) -> Result<String, String> {
        let of = |name: &str| {
            headers.get(name).and_then(|value| value.to_str().ok()).filter(|value| !value.is_empty())
        };
        let tenant = match self.certificate_field {
            Some(field) => field.of(certificate)?,
            None => of(&self.header)
                .or_else(|| of(DEFAULT_TENANT_HEADER))
                .unwrap_or(&self.default_tenant)
                .to_owned(),
        };
        // A plain base name: what Go's path.Base gives back unchanged.
        let plain = tenant == "/" || (!tenant.is_empty() && !tenant.contains('/'));
        if plain { Ok(tenant) } else { Err("tenant name not valid".to_owned()) }
    }

    /// Keeps a list of matchers to the tenant, if that is enforced.
    pub fn enforce_matchers(&self, tenant: &str, matchers: &mut Vec<Matcher>) {
        if self.enforce {
            matchers.retain(|matcher| matcher.name() != self.label);
            matchers.push(Matcher::equal(self.label.as_str(), tenant));
        }
    }

    /// Keeps all selectors of an expression to the tenant, if that is enforced.
    pub fn enforce_expr(&self, tenant: &str, expr: &mut Expr) {
        if self.enforce {
            for_each_selector(expr, &mut |selector| self.enforce_matchers(tenant, &mut selector.matchers));
        }
    }
}

/// Visits all selectors. The depth is bounded by the parser.
fn for_each_selector(expr: &mut Expr, visit: &mut dyn FnMut(&mut VectorSelector)) {
    match expr {
        Expr::Number(_) | Expr::String(_) | Expr::Remote(_) => {}
        Expr::VectorSelector(selector) => visit(selector),
        Expr::MatrixSelector(matrix) => visit(&mut matrix.selector),
        Expr::Subquery(subquery) => for_each_selector(&mut subquery.expr, visit),
        Expr::Aggregate(aggregate) => {
            for_each_selector(&mut aggregate.expr, visit);
            if let Some(param) = &mut aggregate.param {
                for_each_selector(param, visit);
            }
        }
        Expr::Binary(binary) => {
            for_each_selector(&mut binary.lhs, visit);
            for_each_selector(&mut binary.rhs, visit);
        }
        Expr::Call(call) => call.args.iter_mut().for_each(|arg| for_each_selector(arg, visit)),
        Expr::Paren(paren) => for_each_selector(&mut paren.expr, visit),
        Expr::Unary(unary) => for_each_selector(&mut unary.expr, visit),
    }
}

#[cfg(test)]
mod tests {
    use promql::parse::{ParseOptions, parse_expr};

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn tenant_is_that_of_a_header_or_the_default() {
        let config = TenancyConfig { header: "X-Team".into(), ..TenancyConfig::default() };
        assert_eq!(config.tenant(&headers(&[("x-team", "a"), ("thanos-tenant", "b")]), None), Ok("a".into()));
        assert_eq!(config.tenant(&headers(&[("thanos-tenant", "b")]), None), Ok("b".into()));
        assert_eq!(config.tenant(&headers(&[]), None), Ok("default-tenant".into()));
        assert!(config.tenant(&headers(&[("x-team", "../a")]), None).is_err());
        let strict = TenancyConfig {
            certificate_field: Some(CertificateField::CommonName),
            ..TenancyConfig::default()
        };
        assert!(strict.tenant(&headers(&[("thanos-tenant", "b")]), None).is_err());
    }

    #[test]
    fn enforced_matcher_replaces_that_of_the_query() {
        let config = TenancyConfig { enforce: true, ..TenancyConfig::default() };
        let text = "sum(rate(a{tenant_id=\"x\"}[5m])) / on () topk(1, b offset 1m)";
        let mut expr = parse_expr(text, &ParseOptions::default()).unwrap();
        config.enforce_expr("t", &mut expr);
        let text = expr.to_string();
        assert!(
            text.contains("a{tenant_id=\"t\"}[5m]") && text.contains("b{tenant_id=\"t\"} offset 1m"),
            "{text}"
        );
    }
}
