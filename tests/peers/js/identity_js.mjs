// amazon-cognito-identity-js as a client of our local pool. See conversation.mjs.

import cognito from 'amazon-cognito-identity-js';
import { converse } from './conversation.mjs';

const { AuthenticationDetails, CognitoRefreshToken, CognitoUser, CognitoUserPool } = cognito;

await converse(({ endpoint, pool, client }) => {
  const userPool = new CognitoUserPool({ UserPoolId: pool, ClientId: client, endpoint });
  let user;
  let asked; // the name of the challenge under way; this client wants it back

  // The client reports by callbacks: whichever is called settles the action.
  const reported = (begin) =>
    new Promise((resolve, reject) => {
      const challenge = (name, parameters) => {
        asked = name;
        resolve({ challenge: name, parameters });
      };
      begin({
        // Whether the user must agree to the device is told where one was confirmed.
        onSuccess: (session, mustAgree) =>
          resolve({ tokens: tokens(session), ...(mustAgree && { agree: mustAgree }) }),
        onFailure: reject,
        newPasswordRequired: (attributes, required) =>
          challenge('NEW_PASSWORD_REQUIRED', { attributes, required }),
        mfaRequired: challenge,
        totpRequired: challenge,
        mfaSetup: challenge,
        selectMFAType: challenge,
        customChallenge: (parameters) => challenge('CUSTOM_CHALLENGE', parameters),
      });
    });
  const answered = (begin) =>
    new Promise((resolve, reject) => {
      begin((error, answer) => (error ? reject(error) : resolve(answer)));
    });

  return {
    sign_in: ({ username, password, flow }) => {
      user = new CognitoUser({ Username: username, Pool: userPool });
      if (flow) user.setAuthenticationFlowType(flow);
      const details = new AuthenticationDetails({ Username: username, Password: password });
      return reported((callbacks) => user.authenticateUser(details, callbacks));
    },
    new_password: ({ password, attributes }) =>
      reported((callbacks) => user.completeNewPasswordChallenge(password, attributes, callbacks)),
    code: ({ code }) => reported((callbacks) => user.sendMFACode(code, callbacks, asked)),
    choose: ({ kind }) => reported((callbacks) => user.sendMFASelectionAnswer(kind, callbacks)),
    associate: () =>
      new Promise((resolve, reject) => {
        const associateSecretCode = (secret) => resolve({ secret });
        user.associateSoftwareToken({ associateSecretCode, onFailure: reject });
      }),
    // Within a sign-in this also answers MFA_SETUP and reports a session; otherwise the
    // service's status.
    verify: ({ code }) =>
      new Promise((resolve, reject) => {
        const onSuccess = (done) =>
          resolve(done.getIdToken ? { tokens: tokens(done) } : { status: done.Status });
        user.verifySoftwareToken(code, 'phone', { onSuccess, onFailure: reject });
      }),
    prefer_totp: async () => ({
      status: await answered((callback) =>
        user.setUserMfaPreference(null, { PreferredMfa: true, Enabled: true }, callback),
      ),
    }),
    refresh: async ({ token } = {}) => {
      const refreshToken = token
        ? new CognitoRefreshToken({ RefreshToken: token })
        : user.getSignInUserSession().getRefreshToken();
      return { tokens: tokens(await answered((done) => user.refreshSession(refreshToken, done))) };
    },
    attributes: async () => {
      const list = await answered((callback) => user.getUserAttributes(callback));
      return Object.fromEntries(list.map(({ Name, Value }) => [Name, Value]));
    },
    change_password: async ({ old, password }) => ({
      status: await answered((callback) => user.changePassword(old, password, callback)),
    }),
    remember_device: () =>
      new Promise((resolve, reject) => {
        const onSuccess = (status) => resolve({ status });
        user.setDeviceStatusRemembered({ onSuccess, onFailure: reject });
      }),
    forget_device: () =>
      new Promise((resolve, reject) => {
        user.forgetDevice({ onSuccess: (status) => resolve({ status }), onFailure: reject });
      }),
    devices: () =>
      new Promise((resolve, reject) => {
        const onSuccess = ({ Devices }) => resolve({ keys: Devices.map((d) => d.DeviceKey) });
        user.listDevices(60, null, { onSuccess, onFailure: reject });
      }),
    // What the client keeps of its device; given one, it keeps that from then on.
    device: ({ username, key, group, password }) => {
      user = new CognitoUser({ Username: username, Pool: userPool });
      if (key) {
        Object.assign(user, { deviceKey: key, deviceGroupKey: group, randomPassword: password });
        user.cacheDeviceKeyAndPassword();
      }
      user.getCachedDeviceKeyAndPassword();
      const { deviceKey, deviceGroupKey, randomPassword } = user;
      return { key: deviceKey, group: deviceGroupKey, password: randomPassword };
    },
    sign_out: () =>
      new Promise((resolve, reject) => {
        user.signOut((error) => (error ? reject(error) : resolve({ status: 'SUCCESS' })));
      }),
    sign_out_everywhere: () =>
      new Promise((resolve, reject) => {
        user.globalSignOut({ onSuccess: (status) => resolve({ status }), onFailure: reject });
      }),
  };
});

function tokens(session) {
  return {
    id: session.getIdToken().getJwtToken(),
    access: session.getAccessToken().getJwtToken(),
    refresh: session.getRefreshToken().getToken(),
  };
}
