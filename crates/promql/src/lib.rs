//! PromQL: parse, plan, evaluate; the script runner of the promqltest language.
