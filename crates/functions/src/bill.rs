//! What usage costs. Whole numbers throughout: money is counted in billionths of a currency unit.

use crate::meter::Usage;

/// MiB-milliseconds in a GB-second, as AWS counts: 1 GB is 1024 MB.
const MB_MS_PER_GB_S: u128 = 1024 * 1000;
const MILLION: u128 = 1_000_000;

/// Prices and what is free, in nano-units of the currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prices {
    /// For one GB-second.
    pub gb_second_nano: u64,
    /// For a million requests.
    pub million_requests_nano: u64,
    /// For one GB-second of a call on a provisioned instance.
    pub on_provisioned_gb_second_nano: u64,
    /// For one GB-second of a provisioned instance that is there, with or without calls.
    pub provisioned_gb_second_nano: u64,
    /// GB-seconds that cost nothing, of those on demand.
    pub free_gb_seconds: u64,
    /// Requests that cost nothing.
    pub free_requests: u64,
}

impl Default for Prices {
    /// AWS's price list for x86 in `us-east-1`, 0.0000166667 rounded to 0.00001667 a GB-second and 0.20 a million requests, without
    /// its free tier; with provisioned concurrency 0.0000097222 a GB-second of calls and 0.0000041667 of being there.
    fn default() -> Self {
        Self {
            gb_second_nano: 16_670,
            on_provisioned_gb_second_nano: 9_722,
            provisioned_gb_second_nano: 4_167,
            million_requests_nano: 200_000_000,
            free_gb_seconds: 0,
            free_requests: 0,
        }
    }
}

/// What some usage costs, in nano-units, rounded half up to one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bill {
    /// For time and memory.
    pub compute_nano: u128,
    /// For requests.
    pub requests_nano: u128,
}

impl Bill {
    /// Everything together.
    pub fn total_nano(&self) -> u128 {
        self.compute_nano + self.requests_nano
    }
}

/// The price of `usage`, after what is free.
pub fn bill(usage: &Usage, prices: &Prices) -> Bill {
    let free_mb_ms = u128::from(prices.free_gb_seconds) * MB_MS_PER_GB_S;
    let on_demand = usage.mb_ms.saturating_sub(usage.on_provisioned_mb_ms);
    let mb_ms = u128::from(on_demand).saturating_sub(free_mb_ms);
    let cost = |mb_ms: u128, price: u64| rounded(mb_ms * u128::from(price), MB_MS_PER_GB_S);
    let requests = u128::from(usage.requests).saturating_sub(prices.free_requests.into());
    Bill {
        compute_nano: cost(mb_ms, prices.gb_second_nano)
            + cost(usage.on_provisioned_mb_ms.into(), prices.on_provisioned_gb_second_nano)
            + cost(usage.provisioned_mb_ms.into(), prices.provisioned_gb_second_nano),
        requests_nano: rounded(requests * u128::from(prices.million_requests_nano), MILLION),
    }
}

fn rounded(amount: u128, by: u128) -> u128 {
    (amount + by / 2) / by
}

/// Nano-units as text with `digits` (0 to 9) decimals, rounded half up: 16670000000 is `16.67`.
pub fn money(nano: u128, digits: u32) -> String {
    let digits = digits.min(9);
    let cut = rounded(nano, 10u128.pow(9 - digits));
    let scale = 10u128.pow(digits);
    match digits {
        0 => cut.to_string(),
        _ => format!("{}.{:0width$}", cut / scale, cut % scale, width = digits as usize),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(gb_seconds: u64, requests: u64) -> Usage {
        Usage { requests, mb_ms: gb_seconds * 1_024_000, ..Usage::default() }
    }

    #[test]
    fn a_million_gb_seconds_cost_16_67() {
        let bill = bill(&used(1_000_000, 0), &Prices::default());
        assert_eq!(money(bill.total_nano(), 2), "16.67");
        assert_eq!(bill.total_nano(), 16_670_000_000);
    }

    #[test]
    fn a_million_requests_cost_20_cents() {
        assert_eq!(money(bill(&used(0, 1_000_000), &Prices::default()).total_nano(), 2), "0.20");
        assert_eq!(bill(&used(0, 1), &Prices::default()).total_nano(), 200);
    }

    #[test]
    fn what_is_free_is_taken_off_and_never_gives_money_back() {
        let prices = Prices { free_gb_seconds: 400_000, free_requests: 1_000_000, ..Prices::default() };
        let part = bill(&used(500_000, 1_500_000), &prices);
        assert_eq!((money(part.compute_nano, 3).as_str(), money(part.requests_nano, 2).as_str()), ("1.667", "0.10"));
        assert_eq!(bill(&used(10, 10), &prices).total_nano(), 0);
    }

    #[test]
    fn provisioned_instances_cost_for_being_there_and_less_for_calls_and_nothing_of_that_is_free() {
        let gb_second = 1_024_000;
        let usage = Usage {
            mb_ms: 10 * gb_second,
            on_provisioned_mb_ms: 10 * gb_second,
            provisioned_mb_ms: 3600 * gb_second,
            ..Usage::default()
        };
        let prices = Prices { free_gb_seconds: 400_000, ..Prices::default() };
        assert_eq!(bill(&usage, &prices).compute_nano, 10 * 9_722 + 3600 * 4_167);
    }

    #[test]
    fn the_largest_usage_does_not_overflow() {
        let usage = Usage { requests: u64::MAX, mb_ms: u64::MAX, ..Usage::default() };
        let prices = Prices { gb_second_nano: u64::MAX, million_requests_nano: u64::MAX, ..Prices::default() };
        assert!(bill(&usage, &prices).total_nano() > 0);
    }

    #[test]
    fn money_is_rounded_half_up() {
        assert_eq!((money(5_000_000, 2), money(4_999_999, 2)), ("0.01".into(), "0.00".into()));
        assert_eq!((money(1_500_000_000, 0), money(1, 9)), ("2".into(), "0.000000001".into()));
    }
}
