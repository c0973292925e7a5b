// Command volume-provisioner makes a PersistentVolume of type `local` for each claim of the class
// `local`: a directory on this machine, bound to the node that the scheduler chose.
// All nodes share one file system, so one process serves them all.
//
// Usage: volume-provisioner KUBECONFIG DIRECTORY
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/sig-storage-lib-external-provisioner/v13/controller"
)

// provisionerName is what the StorageClass's `provisioner` says.
const provisionerName = "millrace.dev/local"

type provisioner struct {
	// directory holds one folder for each volume: NODE/volumes/VOLUME.
	directory string
}

// Provision makes the volume's directory on the chosen node. Owned by root and closed to
// others, as a fresh disk is: a pod needs its fsGroup to write there.
func (p provisioner) Provision(_ context.Context, options controller.ProvisionOptions) (*core.PersistentVolume, controller.ProvisioningState, error) {
	if options.SelectedNodeName == "" {
		return nil, controller.ProvisioningFinished,
			fmt.Errorf("claim %s/%s: no node chosen; its StorageClass needs volumeBindingMode WaitForFirstConsumer",
				options.PVC.Namespace, options.PVC.Name)
	}
	node := options.SelectedNodeName
	path := filepath.Join(p.directory, node, "volumes", options.PVName)
	if err := os.MkdirAll(path, 0o755); err != nil {
		return nil, controller.ProvisioningFinished, err
	}
	return &core.PersistentVolume{
		ObjectMeta: meta.ObjectMeta{Name: options.PVName},
		Spec: core.PersistentVolumeSpec{
			AccessModes:                   options.PVC.Spec.AccessModes,
			Capacity:                      core.ResourceList{core.ResourceStorage: options.PVC.Spec.Resources.Requests[core.ResourceStorage]},
			PersistentVolumeReclaimPolicy: *options.StorageClass.ReclaimPolicy,
			PersistentVolumeSource:        core.PersistentVolumeSource{Local: &core.LocalVolumeSource{Path: path}},
			NodeAffinity: &core.VolumeNodeAffinity{Required: &core.NodeSelector{NodeSelectorTerms: []core.NodeSelectorTerm{{
				MatchExpressions: []core.NodeSelectorRequirement{{
					Key: core.LabelHostname, Operator: core.NodeSelectorOpIn, Values: []string{node},
				}},
			}}}},
		},
	}, controller.ProvisioningFinished, nil
}

// Delete removes the volume's directory, and refuses a path that Provision cannot have made.
func (p provisioner) Delete(_ context.Context, volume *core.PersistentVolume) error {
	if volume.Spec.Local == nil || !strings.HasPrefix(filepath.Clean(volume.Spec.Local.Path), p.directory+"/") {
		return fmt.Errorf("volume %s: not a directory under %s; left alone", volume.Name, p.directory)
	}
	return os.RemoveAll(volume.Spec.Local.Path)
}

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: volume-provisioner KUBECONFIG DIRECTORY")
	}
	config, err := clientcmd.BuildConfigFromFlags("", os.Args[1])
	if err != nil {
		log.Fatalf("kubeconfig %s: %v", os.Args[1], err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		log.Fatalf("kubeconfig %s: %v", os.Args[1], err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	controller.NewProvisionController(ctx, client, provisionerName,
		provisioner{directory: filepath.Clean(os.Args[2])}, controller.LeaderElection(false)).Run(ctx)
}
