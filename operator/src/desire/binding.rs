//! The ConfigMap that tells a client how to connect (Service Binding specification).
