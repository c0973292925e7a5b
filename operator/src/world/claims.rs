/// One claim.
#[derive(Debug)]
pub struct Claim;
/// All claims.
#[derive(Debug, Default)]
pub struct Claims;
