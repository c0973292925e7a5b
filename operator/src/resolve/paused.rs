use kube::ResourceExt;

/// The annotation that stops Millrace from acting on a resource.
const ANNOTATION: &str = "millrace.dev/paused";

/// Whether nothing is to be done for the resource until its annotation goes. Its deletion is honoured all the same.
pub fn paused(object: &impl ResourceExt) -> bool {
    object
        .annotations()
        .get(ANNOTATION)
        .is_some_and(|value| value == "true")
}
