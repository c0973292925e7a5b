use rand::{Rng, rngs::SmallRng};

/// The pods of the workload, the oldest first.
pub(super) struct Pods {
    pub(super) wanted: i32,
    boot: f64,
    next: u32,
    all: Vec<Pod>,
}

struct Pod {
    id: u32,
    /// The second from which on it is in the group.
    ready: usize,
    /// It is to be replaced.
    old: bool,
}

impl Pods {
    /// So many pods that are ready.
    pub(super) fn running(boot: f64, replicas: i32, rng: &mut SmallRng) -> Self {
        let mut pods = Self {
            wanted: replicas,
            boot: 0.0,
            next: 0,
            all: Vec::new(),
        };
        (0..replicas).for_each(|_| pods.start(0, rng));
        pods.boot = boot;
        pods
    }

    fn start(&mut self, second: usize, rng: &mut SmallRng) {
        let takes = self.boot * rng.random_range(0.85..1.25);
        self.all.push(Pod {
            id: self.next,
            ready: second + takes.round() as usize,
            old: false,
        });
        self.next += 1;
    }

    pub(super) fn count(&self) -> usize {
        self.all.len()
    }

    /// Whether a pod joins the group at just this second.
    pub(super) fn becomes_ready(&self, second: usize) -> bool {
        self.all.iter().any(|pod| pod.ready == second)
    }

    pub(super) fn ready(&self, second: usize) -> impl Iterator<Item = u32> {
        self.all
            .iter()
            .filter(move |pod| pod.ready <= second)
            .map(|pod| pod.id)
    }

    /// Asks for so many pods; those that go, the youngest first.
    pub(super) fn scale(&mut self, replicas: i32, second: usize, rng: &mut SmallRng) -> Vec<u32> {
        self.wanted = replicas;
        let wanted = usize::try_from(replicas).unwrap_or(0);
        (self.all.len()..wanted).for_each(|_| self.start(second, rng));
        let surplus = self.all.len().saturating_sub(wanted);
        (0..surplus)
            .filter_map(|_| self.all.pop())
            .map(|pod| pod.id)
            .collect()
    }

    /// All pods there are now are to be replaced.
    pub(super) fn replace(&mut self) {
        self.all.iter_mut().for_each(|pod| pod.old = true);
    }

    /// Goes on replacing pods, at most a quarter of them missing and a quarter too many; those that go.
    pub(super) fn roll(&mut self, second: usize, rng: &mut SmallRng) -> Vec<u32> {
        if !self.all.iter().any(|pod| pod.old) {
            return Vec::new();
        }
        let wanted = usize::try_from(self.wanted).unwrap_or(0);
        let (surge, unavailable) = (wanted.div_ceil(4), wanted / 4);
        let mut gone = Vec::new();
        loop {
            let ready = self.all.iter().filter(|pod| pod.ready <= second).count();
            let old = self.all.iter().position(|pod| pod.old);
            let missing = self.all.iter().filter(|pod| !pod.old).count() < wanted;
            match old {
                None => return gone,
                Some(at) if ready > wanted - unavailable => gone.push(self.all.remove(at).id),
                Some(_) if missing && self.all.len() < wanted + surge => self.start(second, rng),
                Some(_) => return gone,
            }
        }
    }
}
