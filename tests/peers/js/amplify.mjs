// @aws-amplify/auth as a client of our local pool. See conversation.mjs.

import { webcrypto } from 'node:crypto';
import { Amplify, fetchAuthSession } from '@aws-amplify/core';
import * as auth from '@aws-amplify/auth';
import { cognitoUserPoolsTokenProvider } from '@aws-amplify/auth/cognito';
import { converse } from './conversation.mjs';

// Node 18, which Debian 12 has, keeps it in a module; Amplify looks for a browser's global.
globalThis.crypto ??= webcrypto;
// It names the devices it confirms after the browser; Node has one of its own since 21.
globalThis.navigator ??= { userAgent: 'node' };

const SERVICE_NAMES = {
  CONFIRM_SIGN_IN_WITH_NEW_PASSWORD_REQUIRED: 'NEW_PASSWORD_REQUIRED',
  CONFIRM_SIGN_IN_WITH_TOTP_CODE: 'SOFTWARE_TOKEN_MFA',
  CONFIRM_SIGN_IN_WITH_SMS_CODE: 'SMS_MFA',
  CONFIRM_SIGN_IN_WITH_EMAIL_CODE: 'EMAIL_OTP',
  CONTINUE_SIGN_IN_WITH_MFA_SELECTION: 'SELECT_MFA_TYPE',
  CONTINUE_SIGN_IN_WITH_TOTP_SETUP: 'MFA_SETUP',
};

await converse(({ endpoint, pool, client }) => {
  const kept = memory();
  const Auth = {
    Cognito: { userPoolId: pool, userPoolClientId: client, userPoolEndpoint: endpoint },
  };
  // What the package `aws-amplify` does for its users; it brings all of Amplify along.
  cognitoUserPoolsTokenProvider.setAuthConfig(Auth);
  cognitoUserPoolsTokenProvider.setKeyValueStorage(kept);
  Amplify.configure({ Auth }, { Auth: { tokenProvider: cognitoUserPoolsTokenProvider } });

  // Amplify hides the refresh token from its users; its storage has it.
  const tokens = async (options) => {
    const { tokens } = await fetchAuthSession(options);
    return {
      id: tokens.idToken.toString(),
      access: tokens.accessToken.toString(),
      refresh: kept.find('.refreshToken'),
    };
  };
  const step = async ({ isSignedIn, nextStep }) =>
    isSignedIn ? { tokens: await tokens() } : challenge(nextStep);
  const confirm = async (challengeResponse, options) =>
    step(await auth.confirmSignIn({ challengeResponse, options }));

  return {
    sign_in: async ({ username, password, flow }) =>
      step(await auth.signIn({ username, password, options: flow && { authFlowType: flow } })),
    new_password: ({ password, attributes }) => confirm(password, { userAttributes: attributes }),
    code: ({ code }) => confirm(code),
    choose: ({ kind }) => confirm(kind),
    associate: async () => ({ secret: (await auth.setUpTOTP()).sharedSecret }),
    verify: async ({ code }) => {
      await auth.verifyTOTPSetup({ code });
      return { status: 'SUCCESS' };
    },
    prefer_totp: async () => {
      await auth.updateMFAPreference({ totp: 'PREFERRED' });
      return { status: 'SUCCESS' };
    },
    refresh: async () => ({ tokens: await tokens({ forceRefresh: true }) }),
    attributes: () => auth.fetchUserAttributes(),
    change_password: async ({ old, password }) => {
      await auth.updatePassword({ oldPassword: old, newPassword: password });
      return { status: 'SUCCESS' };
    },
    remember_device: async () => {
      await auth.rememberDevice();
      return { status: 'SUCCESS' };
    },
    forget_device: async () => {
      await auth.forgetDevice();
      return { status: 'SUCCESS' };
    },
    devices: async () => ({ keys: (await auth.fetchDevices()).map(({ id }) => id) }),
    // What the client keeps of its device; given one, it keeps that from then on.
    device: async ({ username, key, group, password }) => {
      const names = ['deviceKey', 'deviceGroupKey', 'randomPasswordKey'];
      const place = (name) => `CognitoIdentityServiceProvider.${client}.${username}.${name}`;
      const given = [key, group, password];
      for (const [i, name] of names.entries()) {
        if (given[i]) await kept.setItem(place(name), given[i]);
      }
      const found = await Promise.all(names.map((name) => kept.getItem(place(name))));
      return { key: found[0], group: found[1], password: found[2] };
    },
    sign_out: async () => {
      await auth.signOut();
      return { status: 'SUCCESS' };
    },
    sign_out_everywhere: async () => {
      await auth.signOut({ global: true });
      return { status: 'SUCCESS' };
    },
  };
});

function challenge({ signInStep, ...parameters }) {
  const { totpSetupDetails, ...others } = parameters;
  return {
    challenge: SERVICE_NAMES[signInStep] ?? signInStep,
    parameters: others,
    ...(totpSetupDetails && { secret: totpSetupDetails.sharedSecret }),
  };
}

function memory() {
  const values = new Map();
  return {
    getItem: async (key) => values.get(key) ?? null,
    setItem: async (key, value) => void values.set(key, value),
    removeItem: async (key) => void values.delete(key),
    clear: async () => values.clear(),
    find: (ending) => [...values].find(([key]) => key.endsWith(ending))?.[1],
  };
}
