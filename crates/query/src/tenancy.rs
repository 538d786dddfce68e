//! Who asks, and the matcher that keeps a tenant to its own series.

use axum::http::HeaderMap;
use model::matcher::Matcher;
use promql::ast::{Expr, VectorSelector};

/// Header that names the tenant within Thanos, taken beside a configured one.
pub const DEFAULT_TENANT_HEADER: &str = "THANOS-TENANT";

/// How tenants are told apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenancyConfig {
    /// `--query.tenant-header`.
    pub header: String,
    /// `--query.default-tenant-id`.
    pub default_tenant: String,
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
            enforce: false,
            label: "tenant_id".to_owned(),
        }
    }
}

impl TenancyConfig {
    /// The tenant of a request. An error when the name would be a path.
    pub fn tenant(&self, headers: &HeaderMap) -> Result<String, &'static str> {
        let of = |name: &str| {
            headers.get(name).and_then(|value| value.to_str().ok()).filter(|value| !value.is_empty())
        };
        let tenant = of(&self.header).or_else(|| of(DEFAULT_TENANT_HEADER)).unwrap_or(&self.default_tenant);
        // A plain base name: what Go's path.Base gives back unchanged.
        let plain = tenant == "/" || (!tenant.is_empty() && !tenant.contains('/'));
        if plain { Ok(tenant.to_owned()) } else { Err("tenant name not valid") }
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
        Expr::Number(_) | Expr::String(_) => {}
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
        assert_eq!(config.tenant(&headers(&[("x-team", "a"), ("thanos-tenant", "b")])), Ok("a".into()));
        assert_eq!(config.tenant(&headers(&[("thanos-tenant", "b")])), Ok("b".into()));
        assert_eq!(config.tenant(&headers(&[])), Ok("default-tenant".into()));
        assert!(config.tenant(&headers(&[("x-team", "../a")])).is_err());
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
