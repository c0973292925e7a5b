//! How many replicas: a pure function of the history and the policy.
